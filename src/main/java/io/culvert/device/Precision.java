package io.culvert.device;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** How exactly a device computes. Weights, their gradients, statistics and sums are single precision in all of them. */
public enum Precision {
    /** Single precision throughout: what conformance is checked in. */
    FP32(1e-4),
    /** Single precision in memory; tensor cores take 10 bits of fraction of each factor of a product. */
    TF32(2e-3),
    /** Activations, their gradients and the weights that kernels read are brain floats: 8 bits of significand. */
    BF16(2e-2);

    private final double tolerance;

    Precision(double tolerance) {
        this.tolerance = tolerance;
    }

    /** The relative error of an operation that passes for right: see docs/numerics.md. */
    public double tolerance() {
        return tolerance;
    }

    /** Its name in configurations. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** By its name in configurations. */
    public static Optional<Precision> of(String word) {
        return Arrays.stream(values()).filter(p -> p.word().equals(word)).findFirst();
    }
}
