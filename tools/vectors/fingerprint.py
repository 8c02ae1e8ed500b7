"""A ResNet-18 training step small enough to commit, where a whole vector would take 90 MB.

Convolution weights, pixels and the gradient of the features follow from a formula that a test repeats bit for bit
(`hashed`); the file holds the other parameters, the features, the buffers after the step, every gradient of a
one-dimensional parameter, and of each convolution's gradient its norm and every STRIDE-th element.
"""

import zlib

import numpy as np
import torch

import models
from culvert_vectors import generator, save_case

BATCH, HEIGHT, WIDTH, STRIDE = 4, 33, 47, 997


def hashed(name, *shape):
    """Element i is SplitMix64's finaliser of (crc32(name) << 32) + i, its high 24 bits scaled to [-1, 1)."""
    i = np.arange(np.prod(shape), dtype=np.uint64) + (np.uint64(zlib.crc32(name.encode())) << np.uint64(32))
    z = i + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    values = (z >> np.uint64(40)).astype(np.float64) / 2**23 - 1
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


def write(path):
    gen = generator("resnet18_fingerprint")
    model = models.resnet18(gen)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 4:
                # A power of two near He's bound sqrt(6 / fan_out), so that scaling rounds nothing.
                fan_out = parameter.shape[0] * parameter.shape[2] * parameter.shape[3]
                scale = 2.0 ** round(np.log2((6 / fan_out) ** 0.5))
                parameter.copy_(hashed(name, *parameter.shape) * scale)
    x, gradout = hashed("x", BATCH, 3, HEIGHT, WIDTH) * 2, hashed("gradout", BATCH, 512)
    if not models.clear_kinks(model, x, True, gen):
        raise ValueError("a pooling window has a tie: choose other pixels")
    before = {k: b.clone() for k, b in model.named_buffers()}
    truth = models.run(model, x, gradout, True, torch.float64)
    tensors = {f"param/{k}": p for k, p in model.named_parameters() if p.ndim == 1}
    tensors |= {f"buffer/{k}": b for k, b in before.items() if b.ndim == 1}
    tensors["out/features"] = truth["out/features"].float()
    tensors |= {k: v.float() for k, v in truth.items() if k.startswith("out/buffer/") and v.ndim == 1}
    for name, parameter in model.named_parameters():
        gradient = truth[f"grad/param/{name}"]
        if parameter.ndim == 4:
            tensors[f"norm/{name}"] = gradient.norm().item()
            tensors[f"sample/{name}"] = gradient.flatten()[::STRIDE].float()
        else:
            tensors[f"grad/{name}"] = gradient.float()
    save_case(path, "fingerprint", "resnet18", {"batch": BATCH, "height": HEIGHT, "width": WIDTH, "stride": STRIDE},
              tensors)
