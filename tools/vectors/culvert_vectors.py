"""What every family of conformance vectors shares: the file format, the seeds and the gradients.

A vector is one safetensors file; its metadata carries `kind`, `name` and `params` (JSON), its tensors are named
`group/name` (in, param, buffer, gradout, out, grad). Inputs are float32; expected values are computed in float64 and
stored as float32, scalars as float64. The writer is our own so that the same seed gives the same bytes.
"""

import json
import math
import pathlib
import struct
import sys
import types
import zlib

import numpy as np
import torch

_DTYPES = {
    np.dtype(np.float32): "F32",
    np.dtype(np.float64): "F64",
    np.dtype(np.int64): "I64",
    np.dtype(np.uint8): "U8",
}


def _as_array(value):
    if isinstance(value, torch.Tensor):
        value = value.detach().numpy()
    elif isinstance(value, (int, float)):
        value = np.array([value], dtype=np.float64)
    array = np.asarray(value)
    if array.dtype not in _DTYPES:
        raise TypeError(f"a vector cannot hold {array.dtype}")
    # ascontiguousarray would turn a scalar (num_batches_tracked) into a vector of one.
    return array if array.ndim == 0 else np.ascontiguousarray(array)


def save_case(path, kind, name, params, tensors, tolerance=None):
    """Write one case. `tensors` maps `group/name` to a tensor, an array or a number (stored as F64 of shape [1])."""
    metadata = {"kind": kind, "name": name, "params": json.dumps(params)}
    if tolerance is not None:
        metadata["tolerance"] = repr(tolerance)
    header, blobs, offset = {"__metadata__": metadata}, [], 0
    for key, value in tensors.items():
        array = _as_array(value)
        if array.dtype.kind == "f" and not np.all(np.isfinite(array)):
            raise ValueError(f"{path}: {key} is not finite")
        blob = array.tobytes()
        header[key] = {
            "dtype": _DTYPES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + len(blob)],
        }
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)))
        out.write(text)
        out.writelines(blobs)


def generator(name):
    """A generator seeded by the case's own name, so that adding a case leaves the others as they were."""
    return torch.Generator().manual_seed(zlib.crc32(name.encode()))


def normal(gen, *shape, mean=0.0, std=1.0):
    """Float32 normal values."""
    return torch.randn(*shape, generator=gen) * std + mean


def uniform(gen, *shape, low=0.0, high=1.0):
    """Float32 uniform values."""
    return torch.rand(*shape, generator=gen) * (high - low) + low


def differentiate(forward, inputs, params, gen, gradients=None):
    """Run `forward(inputs, params)` in float64; return out/, gradout/ and grad/ tensors for its single output `y`.

    `inputs` and `params` map names to float32 tensors; `gradients` limits which of them are differentiated.
    """
    wide_in = {k: v.double().requires_grad_() for k, v in inputs.items()}
    wide_param = {k: v.double().requires_grad_() for k, v in params.items()}
    y = forward(wide_in, wide_param)
    gradout = normal(gen, *y.shape)
    y.backward(gradout.double())
    tensors = {f"in/{k}": v for k, v in inputs.items()}
    tensors |= {f"param/{k}": v for k, v in params.items()}
    tensors |= {"gradout/y": gradout, "out/y": y.float()}
    for group, leaves in (("in", wide_in), ("param", wide_param)):
        for name, leaf in leaves.items():
            if gradients is None or name in gradients:
                tensors[f"grad/{group}/{name}"] = leaf.grad.float()
    return tensors


def relative_error(got, want):
    """The error by which a case is judged: the 2-norm of the difference over the 2-norm of the truth."""
    got, want = got.double(), want.double()
    floor = 1e-12 * math.sqrt(want.numel())
    return (torch.linalg.vector_norm(got - want) / max(torch.linalg.vector_norm(want).item(), floor)).item()


def import_torchvision():
    """Import torchvision, also where its compiled operators do not fit the installed PyTorch: the Python parts used
    here (transforms, and what timm needs to import) call none of them."""
    try:
        import torchvision
    except RuntimeError:
        for name in [m for m in sys.modules if m.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        sys.modules["torchvision._meta_registrations"] = types.ModuleType("torchvision._meta_registrations")
        import torchvision
    return torchvision
