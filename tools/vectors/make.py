#!/usr/bin/env python3
"""Write the conformance vectors: `make.py OUT [--small] [--golden DIR]`.

Needs PyTorch, torchvision, timm, SciPy and scikit-learn.

`--small` writes what the source tree carries (src/test/resources/vectors); without it about 1 GB for
`culvert verify OUT` comes out, ResNet-18 included.
"""

import argparse
import pathlib

import fingerprint
import golden
import losses
import metrics
import models
import ops
import optimizers
import transforms


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path, help="folder to write into")
    parser.add_argument("--small", action="store_true", help="only the cases small enough to commit")
    parser.add_argument("--golden", type=pathlib.Path, metavar="DIR",
                        help="also write the golden numbers and the fingerprints of the networks")
    arguments = parser.parse_args()
    for family in (ops, losses, optimizers, transforms, models, metrics):
        family.write(arguments.out, arguments.small)
    if arguments.golden:
        golden.write(arguments.golden / "step_a.json")
        fingerprint.write(arguments.golden / "resnet18_fingerprint.safetensors")
        fingerprint.vit_tiny(arguments.golden / "vit_tiny_fingerprint.safetensors")
    files = list(arguments.out.glob("*.safetensors"))
    print(f"{len(files)} files, {sum(f.stat().st_size for f in files) / 1e6:.1f} MB in {arguments.out}")


if __name__ == "__main__":
    main()
