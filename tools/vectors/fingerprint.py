"""A training step of ResNet-18 and one of ViT-Tiny small enough to commit, where a whole vector would take 45 to 90 MB.

Convolution weights, pixels and the gradient of the features follow from a formula that a test repeats bit for bit
(`hashed`); the file holds the other parameters, the features, the buffers after the step, every gradient of a
one-dimensional parameter, and of each convolution's gradient its norm and every STRIDE-th element. Of ViT-Tiny all
parameters follow from the formula, and of gradients of fewer than 8 STRIDE elements the file holds every SHORT-th.
"""

import zlib

import numpy as np
import torch

import models
from culvert_vectors import generator, save_case

BATCH, HEIGHT, WIDTH, STRIDE = 4, 33, 47, 997
SHORT = 7


def hashed(name, *shape):
    """Element i is SplitMix64's finaliser of (crc32(name) << 32) + i, its high 24 bits scaled to [-1, 1)."""
    i = np.arange(np.prod(shape), dtype=np.uint64) + (np.uint64(zlib.crc32(name.encode())) << np.uint64(32))
    z = i + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    values = (z >> np.uint64(40)).astype(np.float64) / 2**23 - 1
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


VIT_BATCH, VIT_SIZE, VIT_PATCH = 3, 32, 16


def vit_tiny(path):
    """Matrices scaled to a power of two near 1 / sqrt(fan in); gains 1 + hash / 2; biases, tokens, positions hash / 4."""
    model = models.vit_tiny_blank(VIT_SIZE, VIT_SIZE, VIT_PATCH)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            value = hashed(name, *parameter.shape)
            if "norm" in name and name.endswith("weight"):
                value = 1 + value / 2
            elif name.endswith("weight"):
                value = value * 2.0 ** round(np.log2((3 / parameter[0].numel()) ** 0.5))
            else:
                value = value / 4
            parameter.copy_(value)
    x, gradout = hashed("x", VIT_BATCH, 3, VIT_SIZE, VIT_SIZE) * 2, hashed("gradout", VIT_BATCH, 192)
    truth = models.run_vit_tiny(model, x, gradout, VIT_PATCH, torch.float64)
    tensors = {"out/features": truth["out/features"].float()}
    for name, _ in model.named_parameters():
        gradient = truth[f"grad/param/{name}"]
        tensors[f"norm/{name}"] = gradient.norm().item()
        tensors[f"sample/{name}"] = gradient.flatten()[::STRIDE if gradient.numel() > 8 * STRIDE else SHORT].float()
    save_case(path, "fingerprint", "vit_tiny",
              {"batch": VIT_BATCH, "size": VIT_SIZE, "patch": VIT_PATCH, "stride": STRIDE}, tensors)


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
