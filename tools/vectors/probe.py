#!/usr/bin/env python3
"""Write the linear probe's fixtures: `probe.py FOLDER` (the source tree keeps them in src/test/resources/probe).

Each holds features, labels and the coefficients of scikit-learn's LogisticRegression on standardised features.
"""

import pathlib
import sys

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from culvert_vectors import generator, normal, save_case, uniform


def fixture(folder, n, d, c, balanced):
    case = f"probe_{n}x{d}_C{c}" + ("_balanced" if balanced else "")
    gen = generator(case)
    # Correlated columns of different scale and offset, as features after a ReLU are.
    mix = normal(gen, d, d) * 0.4
    x = (normal(gen, n, d) @ mix + normal(gen, d)) * uniform(gen, d, low=0.1, high=3.0)
    x[:, d // 2] = 0.25
    labels = ((x @ normal(gen, d) + normal(gen, n) * 3) > 2.5).long()
    wide, labels = x.double().numpy(), labels.numpy()
    ratio = (labels == 0).sum() / (labels == 1).sum()
    weights = np.where(labels == 1, ratio, 1.0) if balanced else np.ones(n)
    model = LogisticRegression(C=c, tol=1e-12, max_iter=100000, solver="newton-cg")
    model.fit(StandardScaler().fit_transform(wide), labels, sample_weight=weights)
    tensors = {
        "in/features": x,
        "in/labels": labels,
        "out/coefficients": np.append(model.coef_[0], model.intercept_[0]),
    }
    save_case(folder / f"{case}.safetensors", "probe", "logistic_regression", {"C": c, "balanced": balanced}, tensors)


def main():
    folder = pathlib.Path(sys.argv[1])
    for case in [(80, 5, 1.0, False), (300, 17, 0.01, True), (300, 17, 100.0, True), (40, 60, 0.1, True)]:
        fixture(folder, *case)


if __name__ == "__main__":
    main()
