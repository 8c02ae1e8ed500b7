#!/usr/bin/env python3
"""Operations of bench/peers/ops.py in PyTorch on the GPU by the GPU's clock; prints one JSON line a measurement.

`op_forward` keeps what backward needs, `op_train` is forward and backward. Several calls lie between two events: as they are
("pytorch eager", where small operations wait for the host), and as one CUDA graph ("pytorch graph", where none does). Attention
runs with the back end that PyTorch chooses and with each of its own by name. Losses are single precision in every precision, as
behind autocast. Exits with 75 if this Python has no PyTorch that sees a GPU.
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
    from torch.nn.attention import SDPBackend, sdpa_kernel
except ImportError as error:
    print(f"this Python has no PyTorch with back ends of attention: {error}", file=sys.stderr)
    sys.exit(SKIPPED)
from ops import operation  # noqa: E402

# Those that this PyTorch knows.
BACKENDS = {name: getattr(SDPBackend, f"{name.upper()}_ATTENTION") for name in ("flash", "cudnn", "efficient")
            if hasattr(SDPBackend, f"{name.upper()}_ATTENTION")}


def graph_of(work):
    """The work as one CUDA graph, after a few runs on a stream of its own."""
    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(beside):
        for _ in range(3):
            work()
    torch.cuda.current_stream().wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay


def seconds(work, calls, rounds, gpu):
    """Of one of the calls that each work is, round by round, after three works."""
    for _ in range(3):
        work()
    if not gpu:
        times = []
        for _ in range(rounds):
            start = time.perf_counter()
            work()
            times.append((time.perf_counter() - start) / calls)
        return times
    events = [torch.cuda.Event(enable_timing=True) for _ in range(rounds + 1)]
    events[0].record()
    for event in events[1:]:
        work()
        event.record()
    torch.cuda.synchronize()
    return [a.elapsed_time(b) / 1e3 / calls for a, b in zip(events, events[1:])]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="cuda; cpu only to try this script")
    parser.add_argument("--precision", choices=["fp32", "tf32", "bf16"], default="fp32")
    parser.add_argument("--calls", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("cases", nargs="+")
    a = parser.parse_args()
    gpu = a.device == "cuda"
    if gpu and not torch.cuda.is_available():
        print(f"PyTorch {torch.__version__} sees no GPU", file=sys.stderr)
        return SKIPPED
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = a.precision == "tf32"
    torch.set_default_device(a.device)

    def measure(case, bench, side, graph, backend):
        name, *sizes = case.split(",")
        x, dy, f = operation(name, tuple(map(int, sizes)))
        if dy is not None and a.precision == "bf16":
            x, dy = x.bfloat16(), dy.bfloat16()
        x.requires_grad_()

        def train():
            x.grad = None
            f(x).backward(dy)
            return x.grad

        call = train if bench == "op_train" else lambda: f(x)

        def work():
            for _ in range(a.calls):
                call()

        with sdpa_kernel(backend) if backend else nullcontext():
            result = call().detach().double().norm().item()
            times = seconds(graph_of(work) if graph else work, a.calls, a.rounds, gpu)
        print(json.dumps({
            "bench": bench, "side": side, "shape": case, "precision": a.precision, "version": torch.__version__,
            "device": torch.cuda.get_device_name() if gpu else "cpu", "result": result,
            "median_s": statistics.median(times), "seconds": sorted(times)}), flush=True)

    for case in a.cases:
        sides = [("pytorch eager", False, None)]
        if gpu:
            sides.append(("pytorch graph", True, None))
            if case.startswith("attention,"):
                sides += [(f"pytorch {name} graph", True, backend) for name, backend in BACKENDS.items()]
        for bench in ("op_forward", "op_train"):
            for side, graph, backend in sides:
                try:
                    measure(case, bench, side, graph, backend)
                except RuntimeError as error:
                    if not backend:
                        raise
                    print(f"{case} {bench}: PyTorch has no {side} here: {str(error).splitlines()[0]}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
