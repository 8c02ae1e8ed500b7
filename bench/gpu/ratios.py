#!/usr/bin/env python3
"""What run.sh measured on one GPU, ours beside PyTorch's, a line a case: reads steps.jsonl and ops.jsonl of a folder, as far as they are there.

A ratio above 1 says that ours is faster. Results of an operation that differ by more than precision explains are said, not compared.
"""

import json
import pathlib
import sys

# Relative, of a result's 2-norm.
TOLERANCE = {"fp32": 1e-3, "tf32": 1e-2, "bf16": 2e-2}


def read(file):
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def by_case(lines, key):
    """What each side measured, the last time if it did more than once: {case: {side: line}}."""
    cases = {}
    for line in lines:
        if "median_s" in line and line.get("ranks", 1) == 1:
            cases.setdefault(key(line), {})[line["side"]] = line
    return cases


def steps(lines):
    for case, sides in by_case(lines, lambda s: f"{s['model']} {s['shape']} {s['precision']}").items():
        ours = sides.pop("culvert", None)
        if not ours or not sides:
            continue
        best = min(sides.values(), key=lambda line: line["median_s"])
        text = f"ratio {case}: {ours['images_per_s']:.1f} images/s"
        for name, line in (("eager", sides.get("pytorch eager")), (f"the best of PyTorch ({best['side'][8:]})", best)):
            if line:
                text += f", {line['median_s'] / ours['median_s']:.2f} times {name}'s {line['images_per_s']:.1f}"
        yield text


def ops(lines):
    for case, sides in by_case(lines, lambda s: f"{s['bench'][3:]} {s['shape']} {s['precision']}").items():
        ours = sides.pop("culvert", None)
        if not ours:
            continue
        text = f"op {case}: {1e6 * ours['median_s']:.2f} us"
        if "of_copy" in ours:
            text += f", {100 * ours['of_copy']:.0f} % of a copy's bytes/s, {100 * ours['of_product']:.0f} % of a product's FLOP/s"
        for side, line in sides.items():
            if abs(line["result"] / ours["result"] - 1) > TOLERANCE[ours["precision"]]:
                text += f"; {side} computes {line['result']:.6g}, not {ours['result']:.6g}: not compared"
            else:
                text += f"; {side} {1e6 * line['median_s']:.2f} us: {line['median_s'] / ours['median_s']:.2f} times"
        yield text


def main():
    folder = pathlib.Path(sys.argv[1])
    for line in [*steps(read(folder / "steps.jsonl")), *ops(read(folder / "ops.jsonl"))]:
        print(line)


if __name__ == "__main__":
    main()
