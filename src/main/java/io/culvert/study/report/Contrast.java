package io.culvert.study.report;

import io.culvert.metric.PairedTest;

/**
 * What two things differ by over the blocks that both have.
 *
 * @param difference first less second: mean and interval
 * @param p of the sign-flip test, two-sided
 */
public record Contrast(String what, Estimate difference, double p) {
    /** From here on a difference counts as chance. */
    static final double LEVEL = 0.05;

    private static final int DRAWS = 100_000;
    private static final long SEED = 1;

    /** @param first at least one value, as {@code second} */
    static Contrast of(String what, double[] first, double[] second) {
        double[] differences = new double[first.length];
        for (int i = 0; i < first.length; i++) {
            differences[i] = first[i] - second[i];
        }
        return new Contrast(what, Estimate.of(differences), PairedTest.of(first, second, DRAWS, SEED).p());
    }

    int pairs() {
        return difference.runs();
    }

    /** The least p that so many pairs can have. */
    double leastP() {
        return pairs() > PairedTest.EXACT_PAIRS ? 1.0 / (DRAWS + 1) : Math.scalb(1.0, 1 - pairs());
    }

    Verdict verdict() {
        if (p > LEVEL) {
            return Verdict.UNDECIDED;
        }
        return difference.mean() > 0 ? Verdict.SUPPORTS : Verdict.CONTRADICTS;
    }
}
