#!/usr/bin/env python3
"""Reads the event files of a run's folder with TensorBoard's own reader and says what they hold.

    pip install tensorboard
    tools/check-events.py runs/NAME

Exit code 1: a record is damaged, a tag has a step twice or out of order, or a picture cannot be decoded.
"""
import io
import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader


def main(folder):
    files = sorted(Path(folder).glob("events.out.tfevents.*"))
    if not files:
        sys.exit(f"{folder}: no events.out.tfevents.* here")
    events = sum(1 for file in files for _ in EventFileLoader(str(file)).Load())
    print(f"{len(files)} files, {events} events")
    # 0: keep all of them.
    reader = EventAccumulator(folder, size_guidance={kind: 0 for kind in ("scalars", "images", "histograms", "tensors")})
    reader.Reload()
    tags = reader.Tags()
    wrong = []
    for kind, read in (("scalars", reader.Scalars), ("images", reader.Images), ("histograms", reader.Histograms)):
        for tag in tags[kind]:
            found = read(tag)
            steps = [event.step for event in found]
            if steps != sorted(set(steps)):
                wrong.append(f"{kind} {tag}: steps {steps}")
            print(f"{kind:10} {tag:40} {len(steps):5} steps {steps[0]} to {steps[-1]}", end="")
            print(describe(kind, found[-1], wrong, tag))
    for line in wrong:
        print("WRONG", line)
    return 1 if wrong else 0


def describe(kind, event, wrong, tag):
    if kind == "scalars":
        return f"  last {event.value:.6g}"
    if kind == "histograms":
        value = event.histogram_value
        if abs(sum(value.bucket) - value.num) > 0.5 or len(value.bucket) != len(value.bucket_limit):
            wrong.append(f"{tag}: the buckets hold {sum(value.bucket)} of {value.num} values")
        return f"  {value.num:.0f} values in {value.min:.3g} to {value.max:.3g}"
    try:
        from PIL import Image
    except ImportError:
        return "  (pip install pillow to decode it)"
    picture = Image.open(io.BytesIO(event.encoded_image_string))
    picture.load()
    if picture.size != (event.width, event.height):
        wrong.append(f"{tag}: says {event.width} x {event.height}, is {picture.size}")
    return f"  {event.width} x {event.height}"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
