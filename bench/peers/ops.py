#!/usr/bin/env python3
"""One side of the operation benchmarks: PyTorch's GEMM, convolutions and the operations of `OpShape`, one JSON line a case.

A convolution is `n,c,h,w,o,k,stride,padding`; "conv_forward" runs without gradients, "conv_train" runs forward and
both backward passes. A product is `m,k,n`: (m, k) times (k, n). The other operations are `name,size,size,...`, see
`bench/java/io/culvert/bench/op/OpShape.java`: "op_forward" keeps what backward needs, "op_train" runs both. "result" is
the 2-norm of what the first call computed, of the output or the first operand's gradient; every side must find the same.
"first_s" is that call's time; the first case of a process pays for starting PyTorch's threads.
"""

import argparse
import json
import statistics
import time

import torch
import torch.nn.functional as F

from step import nt_xent


def timed(work, rounds, seconds):
    """The first call's time and result, and `rounds` mean times, each over about `seconds`, after one warm-up round."""
    start = time.perf_counter()
    result = work()
    first, times = time.perf_counter() - start, []
    result = None if result is None else result.detach().double().norm().item()
    for _ in range(rounds + 1):
        start, count = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            work()
            count += 1
        times.append((time.perf_counter() - start) / count)
    return times[1:], first, result


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


def numbers(seed, *shape):
    """The same numbers as `OpShape.numbers`."""
    wave = 43758.5453 * torch.sin(12.9898 * torch.arange(torch.Size(shape).numel(), dtype=torch.float64) + seed)
    return ((wave - wave.floor() - 0.5) * 12**0.5).float().reshape(shape)


def barlow_twins(z):
    u1, u2 = (F.batch_norm(view, None, None, training=True, eps=1e-5) for view in z.chunk(2))
    c = u1.T @ u2 / len(u1)
    on = (c.diagonal() - 1).square().sum()
    return on + 0.005 * (c.square().sum() - c.diagonal().square().sum())


def byol(prediction, target):
    return (2 - 2 * (F.normalize(prediction) * F.normalize(target.roll(len(target) // 2, 0))).sum(1)).mean()


def dino(student, teacher, center, crops):
    t = ((teacher - center) / 0.04).softmax(1).chunk(2)
    s = [F.log_softmax(view, 1) for view in (student / 0.1).chunk(crops)]
    pairs = [-(t[i] * s[j]).sum(1).mean() for i in range(2) for j in range(crops) if i != j]
    center.mul_(0.9).add_(teacher.mean(0), alpha=0.1)
    return sum(pairs) / len(pairs)


def mae(pred, image, mask, patch):
    n, g, p = len(image), image.shape[2] // patch, patch
    target = image.reshape(n, 3, g, p, g, p).permute(0, 2, 4, 3, 5, 1).reshape(n, g * g, -1)
    target = (target - target.mean(-1, keepdim=True)) / (target.var(-1, keepdim=True) + 1e-6).sqrt()
    return ((pred - target).square().mean(-1) * mask).sum() / mask.sum()


def operation(name, sizes):
    """The first operand, the gradient of the result (None of a loss), and the function of the operand."""
    if name == "batch_norm":
        n, h, w, c = sizes
        x, dy = (numbers(seed, n, h, w, c).permute(0, 3, 1, 2).contiguous() for seed in (0, 1))
        gain = (x.double().var((0, 2, 3), unbiased=False) + 1e-5).sqrt().float().requires_grad_()
        offset, mean, var = torch.zeros(c, requires_grad=True), torch.zeros(c), torch.ones(c)
        return x, dy, lambda x: F.batch_norm(x, mean, var, gain, offset, training=True)
    if name == "layer_norm":
        gain, offset = (f(sizes[1], requires_grad=True) for f in (torch.ones, torch.zeros))
        return numbers(0, *sizes), numbers(1, *sizes), lambda x: F.layer_norm(x, sizes[1:], gain, offset, 1e-6)
    if name == "attention":
        b, n, heads, d = sizes

        def attend(x):
            q, k, v = x.reshape(b, n, 3, heads, d).permute(2, 0, 3, 1, 4).unbind(0)
            return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, heads * d)

        return numbers(0, b, n, 3 * heads * d), numbers(1, b, n, heads * d), attend
    if name == "dino":
        b, crops, k = sizes
        teacher, center = numbers(2, 2 * b, k), torch.zeros(k)
        return numbers(0, crops * b, k), None, lambda x: dino(x, teacher, center, crops)
    if name == "mae":
        n, size, patch = sizes
        patches = (size // patch) ** 2
        image = numbers(2, n, size, size, 3).permute(0, 3, 1, 2).contiguous()
        mask = (numbers(3, n, patches) > -0.25 * 12**0.5).float()
        return numbers(0, n, patches, 3 * patch * patch), None, lambda x: mae(x, image, mask, patch)
    b, d = sizes
    target = numbers(2, 2 * b, d)
    losses = {"nt_xent": lambda x: nt_xent(*x.chunk(2)), "barlow_twins": barlow_twins, "byol": lambda x: byol(x, target)}
    return numbers(0, 2 * b, d), None, losses[name]


def op(name, *sizes):
    # Operands of their own for either, for DINO's centre moves.
    for bench in ("op_forward", "op_train"):
        x, dy, f = operation(name, tuple(map(int, sizes)))
        x.requires_grad_()

        def train():
            x.grad = None
            f(x).backward(dy)
            return x.grad

        yield bench, train if bench == "op_train" else lambda: f(x), None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gemm", action="append", default=[])
    parser.add_argument("--conv", action="append", default=[])
    parser.add_argument("--op", action="append", default=[])
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
    cases += [(text, op(*text.split(","))) for text in a.op]
    for text, works in cases:
        for bench, work, flops in works:
            times, first, result = timed(work, a.rounds, a.seconds)
            median = statistics.median(times)
            line = {"bench": bench, "shape": text, "side": side, "threads": a.threads, "version": torch.__version__,
                    "seconds": times, "median_s": median, "first_s": first}
            if text in a.op:
                line["result"] = result
            else:
                line["gflops"] = flops / median / 1e9
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
