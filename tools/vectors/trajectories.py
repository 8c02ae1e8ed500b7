#!/usr/bin/env python3
"""Ten whole training steps of each method, in float64: `trajectories.py OUT`, where OUT is src/test/resources/trajectories.

A file holds the views of each step (`in/views.STEP`, N H W C, all first views before all second ones; `in/local.STEP`, the
smaller ones in the same way; `in/labels.STEP`; `in/visible.STEP`, the patches that stay),
the initial values (`param/NAME`; `teacher` starts as a copy), the loss of each step (`out/losses`) and the values and
running statistics afterwards (`out/NAME`, `out/teacher/NAME`). The network is small: a stem and one residual block, which
io.culvert.train.SmallBackbone builds; for MAE a vision transformer of two blocks.
"""

import math
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F

from culvert_vectors import generator, save_case
from losses import barlow_twins
from optimizers import Lars

WIDTH, SIZE, BATCH, STEPS = 24, 13, 6, 10
HIDDEN, DIM = 33, 17
PROTOTYPES, LOCAL_SIZE = 41, 9
CONVOLUTIONS = {"stem": (WIDTH, 3, 7, 7), "branch": (WIDTH, WIDTH, 3, 3), "shortcut": (WIDTH, WIDTH, 1, 1)}


class Net:
    """Parameters by name, and the running statistics that forward moves."""

    def __init__(self, values):
        self.params = {k: v.double().clone().requires_grad_() for k, v in values.items()}
        self.buffers = {}
        for name in values:
            # A gain is the one weight that is a vector: one for each normalisation.
            if name.endswith(".weight") and values[name].dim() == 1:
                base = name[: -len(".weight")]
                count = values[name].numel()
                self.buffers[base + ".running_mean"] = torch.zeros(count, dtype=torch.float64)
                self.buffers[base + ".running_var"] = torch.ones(count, dtype=torch.float64)

    def norm(self, name, x, views):
        """Each view apart, one after the other."""
        parts = [F.batch_norm(part, self.buffers[name + ".running_mean"], self.buffers[name + ".running_var"],
                              self.params[name + ".weight"], self.params[name + ".bias"], True, 0.1, 1e-5)
                 for part in x.chunk(views)]
        return torch.cat(parts)

    def backbone(self, x, views):
        p = self.params
        h = F.relu(self.norm("stem_norm", F.conv2d(x, p["stem.weight"], stride=2, padding=3), views))
        h = F.max_pool2d(h, 3, 2, 1)
        aside = self.norm("shortcut_norm", F.conv2d(h, p["shortcut.weight"], stride=2), views)
        h = self.norm("branch_norm", F.conv2d(h, p["branch.weight"], stride=2, padding=1), views)
        return F.relu(h + aside).mean((2, 3))

    def mlp(self, name, x, views, layers, normalised, activation=F.relu):
        module = 0
        for i in range(layers):
            x = F.linear(x, self.params[f"{name}.{module}.weight"], self.params[f"{name}.{module}.bias"])
            if i < layers - 1:
                x = activation(self.norm(f"{name}.{module + 1}", x, views) if normalised else x)
            module += 3 if normalised else 2
        return x

    def dino_head(self, x, views, official):
        """As DINO's code: three layers, unit rows, a layer with weight normalisation."""
        x = self.mlp("head.mlp", x, views, 3, official, F.gelu if official else F.relu)
        length = self.buffers["head.last_layer.weight_g"] if official else self.params["head.last_layer.weight_g"]
        return F.normalize(x) @ torch._weight_norm(self.params["head.last_layer.weight_v"], length, 0).T


def initial(gen, heads):
    """As PyTorch would start, roughly: the values themselves are in the file. `heads`: name, widths, normalised."""
    values = {}
    for name, shape in CONVOLUTIONS.items():
        fan = shape[0] * shape[2] * shape[3]
        values[name + ".weight"] = torch.randn(shape, generator=gen) * math.sqrt(2 / fan)
        values[name + "_norm.weight"] = 1 + 0.1 * torch.randn(WIDTH, generator=gen)
        values[name + "_norm.bias"] = 0.1 * torch.randn(WIDTH, generator=gen)
    for name, widths, normalised in heads:
        module = 0
        for i in range(1, len(widths)):
            bound = 1 / math.sqrt(widths[i - 1])
            dot = "" if name == "classifier" else f".{module}"
            values[f"{name}{dot}.weight"] = (2 * torch.rand(widths[i], widths[i - 1], generator=gen) - 1) * bound
            values[f"{name}{dot}.bias"] = (2 * torch.rand(widths[i], generator=gen) - 1) * bound
            if normalised and i < len(widths) - 1:
                values[f"{name}.{module + 1}.weight"] = 1 + 0.1 * torch.randn(widths[i], generator=gen)
                values[f"{name}.{module + 1}.bias"] = 0.1 * torch.randn(widths[i], generator=gen)
            module += 3 if normalised else 2
    return values


def ntxent(z, temperature):
    u = F.normalize(z)
    s = u @ u.T / temperature
    n = len(z)
    s = s.masked_fill(torch.eye(n, dtype=torch.bool), -math.inf)
    pair = torch.arange(n).roll(n // 2)
    return F.cross_entropy(s, pair)


def byol(p, t):
    p1, p2 = p.chunk(2)
    t1, t2 = t.chunk(2)
    return 0.5 * ((2 - 2 * F.cosine_similarity(p1, t2)).mean() + (2 - 2 * F.cosine_similarity(p2, t1)).mean())


def dino(student, teacher, center, crops, temperature, student_temperature):
    targets = F.softmax((teacher - center) / temperature, dim=-1).chunk(2)
    logs = F.log_softmax(student / student_temperature, dim=-1).chunk(crops)
    terms = [(-p * q).sum(-1).mean() for i, p in enumerate(targets) for j, q in enumerate(logs) if i != j]
    return sum(terms) / len(terms)


def rate(step, base, start, least, warm, total):
    """lightning-bolts' linear warm-up and cosine."""
    if step < warm:
        return start + step * (base - start) / (warm - 1)
    return least + (base - least) * (1 + math.cos(math.pi * (step - warm) / (total - warm))) / 2


def optimizer(name, params):
    if name == "lars":
        return Lars(params, 0.1, 0.9, 1e-4, 0.02)
    if name == "adamw":
        return torch.optim.AdamW(params, 0.1, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.05)
    return torch.optim.SGD(params, 0.1, momentum=0.9, weight_decay=1e-4)


METHODS = {
    # views, heads, optimiser, peak learning rate
    "simclr": (2, [("projector", [WIDTH, HIDDEN, DIM], False)], "lars", 0.3),
    "barlow_twins": (2, [("projector", [WIDTH, HIDDEN, HIDDEN, DIM], True)], "sgd", 0.02),
    "byol": (2, [("projector", [WIDTH, HIDDEN, DIM], True), ("predictor", [DIM, HIDDEN, DIM], True)], "lars", 0.3),
    "dino": (2, [("head.mlp", [WIDTH, HIDDEN, HIDDEN, DIM], False)], "adamw", 0.002),
    # As its paper: small views too, batch norm and GELU in the head, prototypes of fixed length. The teacher's temperature
    # multiplies rounding by 25; at ten times this rate each step multiplies it by 10 more, in PyTorch's float32 by 4.
    "dino_multicrop": (2, [("head.mlp", [WIDTH, HIDDEN, HIDDEN, DIM], True)], "sgd", 0.005),
    "supervised": (1, [("classifier", [WIDTH, 1], False)], "adamw", 0.002),
}


def write(folder, name):
    views, heads, kind, peak = METHODS[name]
    gen = generator("trajectory_" + name)
    values = initial(gen, heads)
    official = name == "dino_multicrop"
    local = 3 if official else 0
    if name.startswith("dino"):
        values["head.last_layer.weight_v"] = torch.randn(PROTOTYPES, DIM, generator=gen)
        if not official:
            values["head.last_layer.weight_g"] = 1 + 0.1 * torch.randn(PROTOTYPES, 1, generator=gen)
    net = Net(values)
    teacher = None
    if name.startswith("dino"):
        teacher = Net(values)
        net.buffers["center"] = torch.zeros(1, PROTOTYPES, dtype=torch.float64)
        if official:
            for each in (net, teacher):
                each.buffers["head.last_layer.weight_g"] = torch.ones(PROTOTYPES, 1, dtype=torch.float64)
    if name == "byol":
        teacher = Net({k: v for k, v in values.items() if not k.startswith("predictor")})
    opt = optimizer(kind, list(net.params.values()))
    params = {"batch": BATCH, "size": SIZE, "steps": STEPS, "hidden": HIDDEN, "dim": DIM, "optimizer": kind, "peak": peak,
              "start": peak / 2, "min": 1e-6, "warmup": 3, "temperature": 0.2, "lambda": 0.0051, "scale": 0.024,
              "momentum": 0.9, "final_momentum": 0.99, "positive_weight": 2.5}
    if name.startswith("dino"):
        params |= {"prototypes": PROTOTYPES, "local_size": LOCAL_SIZE, "local": local, "student_temperature": 0.1,
                   "teacher_temperature_start": 0.04, "teacher_temperature": 0.07, "teacher_temperature_epochs": 3,
                   "steps_per_epoch": 3, "center_momentum": 0.9}
    tensors = {"param/" + k: v.float() for k, v in values.items()}
    losses = []
    for step in range(STEPS):
        x = torch.randn(views * BATCH, SIZE, SIZE, 3, generator=gen)
        # Views of one image resemble each other.
        if views == 2:
            x[BATCH:] = 0.8 * x[:BATCH] + 0.6 * x[BATCH:]
        tensors[f"in/views.{step}"] = x
        pixels = x.double().permute(0, 3, 1, 2)
        if local:
            y = torch.randn(local * BATCH, LOCAL_SIZE, LOCAL_SIZE, 3, generator=gen)
            y = 0.8 * x[:BATCH, 2:2 + LOCAL_SIZE, 2:2 + LOCAL_SIZE].repeat(local, 1, 1, 1) + 0.6 * y
            tensors[f"in/local.{step}"] = y
        if name == "byol":
            with torch.no_grad():
                target = teacher.mlp("projector", teacher.backbone(pixels, views), views, 2, True)
        features = net.backbone(pixels, views)
        if name == "simclr":
            loss = ntxent(net.mlp("projector", features, views, 2, False), params["temperature"])
        elif name == "barlow_twins":
            z1, z2 = net.mlp("projector", features, views, 3, True).chunk(2)
            loss = barlow_twins(z1, z2, params["lambda"], params["scale"])
        elif name == "byol":
            z = net.mlp("projector", features, views, 2, True)
            loss = byol(net.mlp("predictor", z, views, 2, True), target)
        elif name.startswith("dino"):
            with torch.no_grad():
                target = teacher.dino_head(teacher.backbone(pixels, views), views, official)
            if local:
                # Views of one size go through the backbone together, each normalised apart, and all through the head.
                small = net.backbone(y.double().permute(0, 3, 1, 2), local)
                features = torch.cat([features, small])
            temperature = np.linspace(0.04, 0.07, 3)[step // 3] if step // 3 < 3 else 0.07
            logits = net.dino_head(features, views + local, official)
            loss = dino(logits, target, net.buffers["center"], views + local, temperature, 0.1)
            net.buffers["center"] = 0.9 * net.buffers["center"] + 0.1 * target.mean(0, keepdim=True)
        else:
            labels = (torch.rand(BATCH, generator=gen) < 0.4).float()
            tensors[f"in/labels.{step}"] = labels
            logits = F.linear(features, net.params["classifier.weight"], net.params["classifier.bias"])[:, 0]
            loss = F.binary_cross_entropy_with_logits(
                logits, labels.double(), pos_weight=torch.tensor(params["positive_weight"], dtype=torch.float64))
        for group in opt.param_groups:
            group["lr"] = rate(step, peak, params["start"], params["min"], params["warmup"], STEPS)
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
        if teacher:
            first, last = params["momentum"], params["final_momentum"]
            tau = last - (last - first) * (math.cos(math.pi * step / STEPS) + 1) / 2
            with torch.no_grad():
                for key, value in teacher.params.items():
                    value.mul_(tau).add_((1 - tau) * net.params[key])
    tensors["out/losses"] = torch.tensor(losses, dtype=torch.float64)
    for key, value in {**net.params, **net.buffers}.items():
        tensors["out/" + key] = value.float()
    if teacher:
        for key, value in {**teacher.params, **teacher.buffers}.items():
            tensors["out/teacher/" + key] = value.float()
    save_case(folder / f"trajectory_{name}.safetensors", "trajectory", name, params, tensors)
    print(name, " ".join(f"{loss:.4f}" for loss in losses))


# MAE: side of an image and of a patch, patches that stay; width, depth and heads of encoder and decoder.
MAE_SIZE, MAE_PATCH, MAE_KEPT = 16, 4, 4
ENCODER, DECODER = (16, 2, 1), (32, 1, 2)
MAE_EPS = 1e-6


def sin_cos(side, width):
    """He et al. 2022: the first half of the channels encodes the column."""
    omega = 10000.0 ** -(torch.arange(width // 4, dtype=torch.float64) / (width // 4))
    y, x = torch.meshgrid(*[torch.arange(side, dtype=torch.float64)] * 2, indexing="ij")
    parts = [f(p.flatten()[:, None] * omega) for p in (x, y) for f in (torch.sin, torch.cos)]
    return torch.cat([torch.zeros(1, width, dtype=torch.float64), torch.cat(parts, 1)])[None]


def mae_initial(gen):
    pixels = 3 * MAE_PATCH ** 2
    (width, depth, _), (wide, deep, _) = ENCODER, DECODER
    shapes = {"cls_token": (1, 1, width), "mask_token": (1, 1, wide),
              "patch_embed.proj.weight": (width, 3, MAE_PATCH, MAE_PATCH), "patch_embed.proj.bias": (width,),
              "norm.weight": (width,), "norm.bias": (width,),
              "decoder_embed.weight": (wide, width), "decoder_embed.bias": (wide,),
              "decoder_norm.weight": (wide,), "decoder_norm.bias": (wide,),
              "decoder_pred.weight": (pixels, wide), "decoder_pred.bias": (pixels,)}
    for prefix, dim, count in (("blocks", width, depth), ("decoder_blocks", wide, deep)):
        for i in range(count):
            block = f"{prefix}.{i}."
            for norm in ("norm1", "norm2"):
                shapes |= {f"{block}{norm}.weight": (dim,), f"{block}{norm}.bias": (dim,)}
            for layer, out, into in (("attn.qkv", 3 * dim, dim), ("attn.proj", dim, dim), ("mlp.fc1", 4 * dim, dim),
                                     ("mlp.fc2", dim, 4 * dim)):
                shapes |= {f"{block}{layer}.weight": (out, into), f"{block}{layer}.bias": (out,)}
    values = {}
    for name, shape in shapes.items():
        if len(shape) == 1:
            values[name] = 0.1 * torch.randn(shape, generator=gen) + (name.endswith("weight") and 1)
        else:
            fan = math.prod(shape[1:])
            values[name] = torch.randn(shape, generator=gen) / math.sqrt(fan)
    return values


def transformer(p, prefix, count, heads, x):
    for i in range(count):
        block = f"{prefix}.{i}."

        def norm(name, h):
            return F.layer_norm(h, h.shape[-1:], p[f"{block}{name}.weight"], p[f"{block}{name}.bias"], MAE_EPS)

        def linear(name, h):
            return F.linear(h, p[f"{block}{name}.weight"], p[f"{block}{name}.bias"])

        n, length, width = x.shape
        qkv = linear("attn.qkv", norm("norm1", x)).reshape(n, length, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
        h = F.scaled_dot_product_attention(*qkv).transpose(1, 2).reshape(n, length, width)
        x = x + linear("attn.proj", h)
        x = x + linear("mlp.fc2", F.gelu(linear("mlp.fc1", norm("norm2", x))))
    return x


def mae_forward(p, pixels, visible):
    """pixels [N, H, W, 3], visible [N, K]: the loss, as the authors' code computes it with norm_pix_loss."""
    n, side, kept = len(pixels), MAE_SIZE // MAE_PATCH, visible.shape[1]
    x = F.conv2d(pixels.permute(0, 3, 1, 2), p["patch_embed.proj.weight"], p["patch_embed.proj.bias"], stride=MAE_PATCH)
    position = sin_cos(side, ENCODER[0])
    x = x.flatten(2).transpose(1, 2) + position[:, 1:]
    x = x.gather(1, visible[:, :, None].expand(-1, -1, x.shape[2]))
    x = torch.cat([(p["cls_token"] + position[:, :1]).expand(n, -1, -1), x], 1)
    x = transformer(p, "blocks", ENCODER[1], ENCODER[2], x)
    x = F.layer_norm(x, x.shape[-1:], p["norm.weight"], p["norm.bias"], MAE_EPS)
    x = F.linear(x, p["decoder_embed.weight"], p["decoder_embed.bias"])
    mask = torch.ones(n, side * side, dtype=torch.float64).scatter(1, visible, 0)
    shuffled = torch.cat([visible, mask.nonzero()[:, 1].reshape(n, -1)], 1)
    patches = torch.cat([x[:, 1:], p["mask_token"].expand(n, side * side - kept, -1)], 1)
    patches = patches.gather(1, shuffled.argsort(1)[:, :, None].expand(-1, -1, x.shape[2]))
    x = torch.cat([x[:, :1], patches], 1) + sin_cos(side, DECODER[0])
    x = transformer(p, "decoder_blocks", DECODER[1], DECODER[2], x)
    x = F.layer_norm(x, x.shape[-1:], p["decoder_norm.weight"], p["decoder_norm.bias"], MAE_EPS)
    pred = F.linear(x, p["decoder_pred.weight"], p["decoder_pred.bias"])[:, 1:]
    target = pixels.reshape(n, side, MAE_PATCH, side, MAE_PATCH, 3).permute(0, 1, 3, 2, 4, 5).reshape(pred.shape)
    target = (target - target.mean(-1, keepdim=True)) / (target.var(-1, keepdim=True) + 1e-6).sqrt()
    return (((pred - target) ** 2).mean(-1) * mask).sum() / mask.sum()


def write_mae(folder):
    gen = generator("trajectory_mae")
    values = mae_initial(gen)
    net = {k: v.double().clone().requires_grad_() for k, v in values.items()}
    # Nothing reaches the bias of attention's keys: what is left of its gradient is rounding, which a small eps would blow up.
    params = {"batch": BATCH, "size": MAE_SIZE, "patch": MAE_PATCH, "optimizer": "adamw", "peak": 0.002, "start": 0.001,
              "min": 1e-6, "warmup": 3, "steps": STEPS, "mask_ratio": 0.75, "eps": 1e-3, "encoder_width": ENCODER[0],
              "encoder_depth": ENCODER[1], "encoder_heads": ENCODER[2], "decoder_width": DECODER[0],
              "decoder_depth": DECODER[1], "decoder_heads": DECODER[2]}
    opt = torch.optim.AdamW(net.values(), 0.1, betas=(0.9, 0.95), eps=params["eps"], weight_decay=0.05)
    tensors = {"param/" + k: v.float() for k, v in values.items()}
    losses = []
    for step in range(STEPS):
        x = torch.randn(BATCH, MAE_SIZE, MAE_SIZE, 3, generator=gen)
        visible = torch.rand(BATCH, (MAE_SIZE // MAE_PATCH) ** 2, generator=gen).argsort(1)[:, :MAE_KEPT]
        tensors |= {f"in/views.{step}": x, f"in/visible.{step}": visible}
        loss = mae_forward(net, x.double(), visible)
        for group in opt.param_groups:
            group["lr"] = rate(step, params["peak"], params["start"], params["min"], params["warmup"], STEPS)
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    tensors["out/losses"] = torch.tensor(losses, dtype=torch.float64)
    for key, value in net.items():
        tensors["out/" + key] = value.float()
    tensors["out/pos_embed"] = sin_cos(MAE_SIZE // MAE_PATCH, ENCODER[0]).float()
    tensors["out/decoder_pos_embed"] = sin_cos(MAE_SIZE // MAE_PATCH, DECODER[0]).float()
    save_case(folder / "trajectory_mae.safetensors", "trajectory", "mae", params, tensors)
    print("mae", " ".join(f"{loss:.4f}" for loss in losses))


if __name__ == "__main__":
    out = pathlib.Path(sys.argv[1])
    for method in METHODS:
        write(out, method)
    write_mae(out)
