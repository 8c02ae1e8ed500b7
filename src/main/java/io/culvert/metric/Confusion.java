package io.culvert.metric;

import io.culvert.CulvertException;

/**
 * How the predictions at one threshold meet the labels. Ratios with an empty denominator are 0, scikit-learn's
 * {@code zero_division} default.
 */
public record Confusion(long truePositives, long falsePositives, long trueNegatives, long falseNegatives) {

    /**
     * Counts with the rule {@code score >= threshold}.
     *
     * @throws CulvertException of kind DATA for a NaN score, a label other than 0 and 1, or lengths that differ
     */
    public static Confusion at(double threshold, double[] scores, int[] labels) {
        Labels.check(scores, labels);
        long[] count = new long[4];
        for (int i = 0; i < scores.length; i++) {
            count[2 * labels[i] + (scores[i] >= threshold ? 1 : 0)]++;
        }
        return new Confusion(count[3], count[1], count[0], count[2]);
    }

    public long positives() {
        return truePositives + falseNegatives;
    }

    public long negatives() {
        return trueNegatives + falsePositives;
    }

    public long total() {
        return positives() + negatives();
    }

    /** The share of positives among all. */
    public double prevalence() {
        return ratio(positives(), total());
    }

    /** Of those called positive, the share that is. */
    public double precision() {
        return ratio(truePositives, truePositives + falsePositives);
    }

    /** Of the positives, the share called so: the true-positive rate. */
    public double recall() {
        return ratio(truePositives, positives());
    }

    /** Of the negatives, the share called so: one minus the false-positive rate. */
    public double specificity() {
        return ratio(trueNegatives, negatives());
    }

    /** Of the negatives, the share called positive: the false-positive rate. */
    public double falseAlarmRate() {
        return ratio(falsePositives, negatives());
    }

    public double f1() {
        return fBeta(1);
    }

    /** {@code (1 + b^2) P R / (b^2 P + R)}, written in counts so that no quotient of quotients rounds. */
    public double fBeta(double beta) {
        double b2 = beta * beta;
        double denominator = (1 + b2) * truePositives + b2 * falseNegatives + falsePositives;
        return denominator == 0 ? 0 : (1 + b2) * truePositives / denominator;
    }

    /**
     * The mean of recall and specificity.
     *
     * @throws CulvertException of kind DATA when one class is empty, where it is undefined
     */
    public double balancedAccuracy() {
        Labels.requireBoth("balanced accuracy", positives(), negatives());
        return (recall() + specificity()) / 2;
    }

    private static double ratio(long part, long whole) {
        return whole == 0 ? 0 : (double) part / whole;
    }
}
