#!/usr/bin/env python3
"""One side of the whole-step benchmark: PyTorch trains ResNet-18 or ViT-Tiny and prints one JSON line.

SimCLR is the one of solo-learn and lightly: two views through the same network one after the other, projection head
Linear(d, 2048) - ReLU - Linear(2048, 256), NT-Xent at temperature 0.2. MAE is the authors' on ViT-Tiny: the encoder on a
quarter of the patches, a decoder of 12 blocks as wide as the encoder (arXiv 2410.04289), normalised pixels. Backward,
SGD with momentum 0.9 and weight decay 1e-4. Pixels are ready in memory, so that only training is timed.
"""

import argparse
import json
import resource
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn


class BasicBlock(nn.Module):
    def __init__(self, inputs, planes, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or inputs != planes:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, planes, 1, stride, bias=False), nn.BatchNorm2d(planes))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(y.add_(shortcut))


class ResNet18(nn.Module):
    """Without its classifier."""

    features = 512

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True),
                                  nn.MaxPool2d(3, 2, 1))
        widths = [64, 64, 128, 256, 512]
        self.blocks = nn.Sequential(*(BasicBlock(widths[i + b], widths[i + 1], 2 if i > 0 and b == 0 else 1)
                                      for i in range(4) for b in range(2)))

    def forward(self, x):
        return self.blocks(self.stem(x)).mean((2, 3))


class Block(nn.Module):
    """As timm's: normalisation before each branch, q, k and v in one projection, fused attention."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).reshape(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        x = x + self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, d))
        return x + self.mlp(self.norm2(x))


class VitTiny(nn.Module):
    """Without its classifier."""

    features = 192

    def __init__(self, size, patch, heads=3, depth=12):
        super().__init__()
        self.patch_embed = nn.Conv2d(3, 192, patch, patch)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, 192))
        self.pos_embed = nn.Parameter(torch.randn(1, (size // patch) ** 2 + 1, 192) * 0.02)
        self.blocks = nn.Sequential(*(Block(192, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(192, eps=1e-6)

    def forward(self, x):
        x = self.patch_embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1) + self.pos_embed
        return self.norm(self.blocks(x))[:, 0]


class SimClr(nn.Module):
    """Loss of two views."""

    views = 2

    def __init__(self, backbone):
        super().__init__()
        self.backbone = backbone
        self.head = nn.Sequential(nn.Linear(backbone.features, 2048), nn.ReLU(inplace=True), nn.Linear(2048, 256))

    def forward(self, first, second):
        return nt_xent(self.head(self.backbone(first)), self.head(self.backbone(second)))


class Mae(nn.Module):
    """Loss of one view."""

    views = 1

    def __init__(self, encoder, size, patch, ratio=0.75):
        super().__init__()
        self.encoder, self.patch, self.tokens = encoder, patch, (size // patch) ** 2
        self.keep = int(self.tokens * (1 - ratio))
        encoder.pos_embed.requires_grad_(False)
        self.embed = nn.Linear(192, 192)
        self.mask_token = nn.Parameter(torch.randn(1, 1, 192) * 0.02)
        self.register_buffer("positions", torch.randn(1, self.tokens + 1, 192))
        self.decoder = nn.Sequential(*(Block(192, 12) for _ in range(12)))
        self.norm = nn.LayerNorm(192, eps=1e-6)
        self.pred = nn.Linear(192, 3 * patch * patch)

    def forward(self, image):
        e, n = self.encoder, len(image)
        x = e.patch_embed(image).flatten(2).transpose(1, 2) + e.pos_embed[:, 1:]
        shuffle = torch.rand(n, self.tokens, device=image.device).argsort(1)
        restore = shuffle.argsort(1)
        x = x.gather(1, shuffle[:, : self.keep, None].expand(-1, -1, 192))
        x = e.norm(e.blocks(torch.cat([(e.cls_token + e.pos_embed[:, :1]).expand(n, -1, -1), x], 1)))
        x = self.embed(x)
        full = torch.cat([x[:, 1:], self.mask_token.expand(n, self.tokens - self.keep, -1)], 1)
        full = full.gather(1, restore[:, :, None].expand(-1, -1, 192))
        x = self.pred(self.norm(self.decoder(torch.cat([x[:, :1], full], 1) + self.positions)))[:, 1:]
        p, g = self.patch, image.shape[2] // self.patch
        target = image.reshape(n, 3, g, p, g, p).permute(0, 2, 4, 3, 5, 1).reshape(n, self.tokens, -1)
        target = (target - target.mean(-1, keepdim=True)) / (target.var(-1, keepdim=True) + 1e-6).sqrt()
        removed = (restore >= self.keep).float()
        return (((x - target) ** 2).mean(-1) * removed).sum() / removed.sum()


def nt_xent(z1, z2, temperature=0.2):
    z = F.normalize(torch.cat([z1, z2]), dim=1)
    logits = (z @ z.T / temperature).masked_fill(torch.eye(len(z), dtype=torch.bool, device=z.device), float("-inf"))
    return F.cross_entropy(logits, torch.arange(len(z), device=z.device).roll(len(z1)))


def peak_rss_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", default="resnet18,simclr,128,64",
                        help="resnet18,simclr,BATCH,SIZE or vit_tiny,simclr|mae,BATCH,SIZE,PATCH")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--compile", action="store_true", help="by torch.compile, forward, loss and backward")
    parser.add_argument("--turns", action="store_true",
                        help="after the warm-up print 'ready', then make a step for each line read and print what it took")
    a = parser.parse_args()
    model_name, method, batch, size, *patch = a.shape.split(",")
    batch, size, patch = int(batch), int(size), int(patch[0]) if patch else 0
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    layout = torch.channels_last if a.channels_last else torch.contiguous_format
    backbone = ResNet18() if model_name == "resnet18" else VitTiny(size, patch)
    model = (SimClr(backbone) if method == "simclr" else Mae(backbone, size, patch)).to(memory_format=layout)
    views = [torch.randn(batch, 3, size, size).to(memory_format=layout) for _ in range(model.views)]
    if a.compile:
        model.compile()
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.03, momentum=0.9, weight_decay=1e-4)

    def step():
        start = time.perf_counter()
        optimizer.zero_grad()
        loss = model(*views)
        loss.backward()
        optimizer.step()
        value = loss.item()
        return time.perf_counter() - start, value

    if a.turns:
        first = [step()[0] for _ in range(a.warmup)][0]
        print("ready", flush=True)
        for _ in sys.stdin:
            print(json.dumps({"seconds": step()[0], "first_s": first, "peak_rss_mb": peak_rss_mb()}), flush=True)
        return
    timed = [step() for _ in range(a.warmup + a.steps)]
    seconds = [taken for taken, _ in timed]
    loss = timed[-1][1]
    median = statistics.median(seconds[a.warmup:])
    ways = [way for way in ("compile", "channels_last") if getattr(a, way)]
    side = "pytorch " + (" ".join(ways) or "eager")
    print(json.dumps({
        "bench": "step", "side": side, "shape": a.shape,
        "threads": a.threads, "version": torch.__version__, "seconds": seconds[a.warmup:],
        "median_s": median, "images_per_s": batch / median, "loss": loss,
        "peak_rss_mb": peak_rss_mb()}))


if __name__ == "__main__":
    main()
