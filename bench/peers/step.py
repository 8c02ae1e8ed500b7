#!/usr/bin/env python3
"""One side of the whole-step benchmark: PyTorch trains ResNet-18 with SimCLR and prints one JSON line.

The step is the one of solo-learn and lightly: two views through the same network one after the other, projection head
Linear(512, 2048) - ReLU - Linear(2048, 256), NT-Xent at temperature 0.2, backward, SGD with momentum 0.9 and weight
decay 1e-4. Pixels are ready in memory, so that only training is timed.
"""

import argparse
import json
import resource
import statistics
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


class SimClrNetwork(nn.Module):
    """ResNet-18 without its classifier, then the projection head."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True),
                                  nn.MaxPool2d(3, 2, 1))
        widths = [64, 64, 128, 256, 512]
        self.blocks = nn.Sequential(*(BasicBlock(widths[i + b], widths[i + 1], 2 if i > 0 and b == 0 else 1)
                                      for i in range(4) for b in range(2)))
        self.head = nn.Sequential(nn.Linear(512, 2048), nn.ReLU(inplace=True), nn.Linear(2048, 256))

    def forward(self, x):
        return self.head(self.blocks(self.stem(x)).mean((2, 3)))


def nt_xent(z1, z2, temperature=0.2):
    z = F.normalize(torch.cat([z1, z2]), dim=1)
    logits = (z @ z.T / temperature).masked_fill(torch.eye(len(z), dtype=torch.bool, device=z.device), float("-inf"))
    return F.cross_entropy(logits, torch.arange(len(z), device=z.device).roll(len(z1)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--channels-last", action="store_true")
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    layout = torch.channels_last if a.channels_last else torch.contiguous_format
    model = SimClrNetwork().to(memory_format=layout)
    views = [torch.randn(a.batch, 3, a.size, a.size).to(memory_format=layout) for _ in range(2)]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9, weight_decay=1e-4)
    seconds = []
    for _ in range(a.warmup + a.steps):
        start = time.perf_counter()
        optimizer.zero_grad()
        loss = nt_xent(model(views[0]), model(views[1]))
        loss.backward()
        optimizer.step()
        loss.item()
        seconds.append(time.perf_counter() - start)
    median = statistics.median(seconds[a.warmup:])
    print(json.dumps({
        "bench": "step", "side": "pytorch channels_last" if a.channels_last else "pytorch eager", "shape": f"{a.batch},{a.size}",
        "threads": a.threads, "version": torch.__version__, "seconds": seconds[a.warmup:],
        "median_s": median, "images_per_s": a.batch / median, "loss": loss.item(),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    main()
