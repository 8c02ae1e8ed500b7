#!/usr/bin/env python3
"""One side of the operation benchmarks: PyTorch's GEMM and convolutions, one JSON line a case.

A convolution is `n,c,h,w,o,k,stride,padding`; "conv_forward" runs without gradients, "conv_train" runs forward and
both backward passes. A product is `m,k,n`: (m, k) times (k, n).
"""

import argparse
import json
import statistics
import time

import torch
import torch.nn.functional as F


def timed(work, rounds, seconds):
    """`rounds` mean times, each over about `seconds`, after one warm-up round."""
    times = []
    for _ in range(rounds + 1):
        start, count = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            work()
            count += 1
        times.append((time.perf_counter() - start) / count)
    return times[1:]


def gemm(m, k, n):
    a, b = torch.randn(m, k), torch.randn(k, n)
    out = torch.empty(m, n)
    with torch.no_grad():
        yield "gemm", lambda: torch.mm(a, b, out=out), 2.0 * m * k * n


def conv(n, c, h, w, o, k, stride, padding, layout):
    x = torch.randn(n, c, h, w).to(memory_format=layout).requires_grad_()
    weight = torch.randn(o, c, k, k).to(memory_format=layout).requires_grad_()
    y = F.conv2d(x, weight, stride=stride, padding=padding)
    dy = torch.randn_like(y)
    flops = 2.0 * y.numel() * c * k * k

    def forward():
        with torch.no_grad():
            F.conv2d(x, weight, stride=stride, padding=padding)

    def train():
        x.grad = weight.grad = None
        F.conv2d(x, weight, stride=stride, padding=padding).backward(dy)

    yield "conv_forward", forward, flops
    yield "conv_train", train, 3 * flops


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gemm", action="append", default=[])
    parser.add_argument("--conv", action="append", default=[])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--channels-last", action="store_true")
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    layout = torch.channels_last if a.channels_last else torch.contiguous_format
    side = "pytorch channels_last" if a.channels_last else "pytorch eager"
    cases = [(text, gemm(*map(int, text.split(",")))) for text in a.gemm]
    cases += [(text, conv(*map(int, text.split(",")), layout)) for text in a.conv]
    for text, works in cases:
        for bench, work, flops in works:
            times = timed(work, a.rounds, a.seconds)
            median = statistics.median(times)
            print(json.dumps({"bench": bench, "shape": text, "side": side, "threads": a.threads,
                              "version": torch.__version__, "seconds": times, "median_s": median,
                              "gflops": flops / median / 1e9}), flush=True)


if __name__ == "__main__":
    main()
