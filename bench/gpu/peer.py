#!/usr/bin/env python3
"""A SimCLR step of bench/peers/step.py in PyTorch on the GPU, timed; prints one JSON line.

Channels last, which concerns ResNet-18's feature maps; `--precision fp32` (no TF32), `tf32`, or `bf16` (autocast); `--compile` for torch.compile with max-autotune, which has CUDA
graphs of its own, and the fused form of SGD.
The batch stays in the GPU's memory, so that only training is timed. Exits with 75 if this Python has no PyTorch that sees a GPU, or its compiler does not work here.
"""

import argparse
import json
import pathlib
import statistics
import sys
import time
from contextlib import nullcontext

SKIPPED = 75

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "peers"))
try:
    import torch
except ImportError as error:
    print(f"this Python has no PyTorch: {error}", file=sys.stderr)
    sys.exit(SKIPPED)
from step import ResNet18, SimClr, VitTiny, nt_xent  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="cuda; cpu only to try this script")
    parser.add_argument("--model", choices=["resnet18", "vit_tiny"], default="resnet18")
    parser.add_argument("--patch", type=int, default=16, help="side of vit_tiny's patches, pixels")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--precision", choices=["fp32", "tf32", "bf16"], default="fp32")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--warmup", type=int, default=10)
    parser.add_argument("--steps", type=int, default=30)
    a = parser.parse_args()
    gpu = a.device == "cuda"
    if gpu and not torch.cuda.is_available():
        print(f"PyTorch {torch.__version__} sees no GPU", file=sys.stderr)
        return SKIPPED
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = a.precision == "tf32"
    torch.backends.cudnn.benchmark = True
    layout = torch.channels_last
    backbone = ResNet18() if a.model == "resnet18" else VitTiny(a.size, a.patch)
    model = SimClr(backbone).to(a.device, memory_format=layout)
    views = [torch.randn(a.batch, 3, a.size, a.size).to(a.device, memory_format=layout) for _ in range(2)]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9, weight_decay=1e-4,
                                fused=gpu and a.compile)

    def loss_of(first, second):
        mixed = torch.autocast(a.device, torch.bfloat16) if a.precision == "bf16" else nullcontext()
        with mixed:
            z1, z2 = model.head(model.backbone(first)), model.head(model.backbone(second))
        return nt_xent(z1.float(), z2.float())

    function = torch.compile(loss_of, mode="max-autotune") if a.compile else loss_of

    def step():
        optimizer.zero_grad()
        loss = function(*views)
        loss.backward()
        optimizer.step()
        return loss.item()

    def timed():
        start = time.perf_counter()
        loss = step()
        if gpu:
            torch.cuda.synchronize()
        return time.perf_counter() - start, loss

    start = time.perf_counter()
    try:
        first = step()
    except Exception as error:
        if not a.compile:
            raise
        print(f"torch.compile does not work here: {str(error).splitlines()[0]}", file=sys.stderr)
        return SKIPPED
    opened = time.perf_counter() - start
    for _ in range(1, a.warmup):
        step()
    times = [timed() for _ in range(a.steps)]
    seconds = [s for s, _ in times]
    median = statistics.median(seconds)
    mode = "compile max-autotune" if a.compile else "eager"
    print(json.dumps({
        "bench": "step", "side": f"pytorch {mode}", "model": a.model, "shape": f"{a.batch},{a.size}", "precision": a.precision,
        "device": torch.cuda.get_device_name() if gpu else "cpu", "version": torch.__version__,
        "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version(), "until_first_loss_s": opened,
        "first_loss": first, "median_s": median, "images_per_s": a.batch / median,
        "loss": times[-1][1],
        "peak_bytes": torch.cuda.max_memory_allocated() if gpu else None, "seconds": seconds}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
