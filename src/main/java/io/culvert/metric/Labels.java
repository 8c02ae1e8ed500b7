package io.culvert.metric;

import io.culvert.CulvertException;

/** What every metric on scores and labels checks first. */
final class Labels {
    private Labels() {}

    static void check(double[] scores, int[] labels) {
        if (scores.length != labels.length) {
            throw CulvertException.data("%d scores but %d labels: give one label a score", scores.length,
                    labels.length);
        }
        for (int i = 0; i < scores.length; i++) {
            if (Double.isNaN(scores[i])) {
                throw CulvertException.data("score %d is NaN: the network or the probe has diverged", i);
            }
            if (labels[i] != 0 && labels[i] != 1) {
                throw CulvertException.data("label %d is %d: labels are 0 or 1", i, labels[i]);
            }
        }
    }

    static void requireBoth(String metric, long positives, long negatives) {
        if (positives == 0 || negatives == 0) {
            throw CulvertException.data("%s needs both classes, got %d positives and %d negatives", metric, positives,
                    negatives);
        }
    }
}
