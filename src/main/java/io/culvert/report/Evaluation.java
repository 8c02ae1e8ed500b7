package io.culvert.report;

import io.culvert.CulvertException;
import io.culvert.metric.Bootstrap;
import io.culvert.metric.Confusion;
import io.culvert.metric.Ranking;
import java.util.Arrays;

/**
 * A probe on the test images, in numbers.
 *
 * @param aurocLow lower bound of the 95 % bootstrap interval of {@code auroc}
 * @param threshold chosen on training images; all counts and ratios after it are at this threshold
 * @param prevalence share of defective images, the average precision that guessing reaches
 * @param scores shares of each class by score
 */
public record Evaluation(
        long images,
        double prevalence,
        double auroc,
        double aurocLow,
        double aurocHigh,
        double averagePrecision,
        double threshold,
        Confusion confusion,
        double f1,
        double precision,
        double recall,
        double specificity,
        double balancedAccuracy,
        Ranking.Curve roc,
        Ranking.Curve precisionRecall,
        Histogram scores) {
    private static final double LEVEL = 0.95;
    private static final int DRAWS = 1000;
    private static final int BINS = 36;

    /**
     * Computes everything.
     *
     * @param threshold {@code score >= threshold} means defective
     * @param seed of the bootstrap
     * @throws CulvertException of kind DATA when a class is empty or a score is not finite
     */
    public static Evaluation of(double[] scores, int[] labels, double threshold, long seed) {
        Ranking ranking = Ranking.of(scores, labels);
        Confusion at = Confusion.at(threshold, scores, labels);
        Bootstrap.Interval interval = Bootstrap.interval(scores, labels, Ranking::auroc, LEVEL, DRAWS, seed);
        return new Evaluation(at.total(), at.prevalence(), ranking.auroc(), interval.low(), interval.high(),
                ranking.averagePrecision(), threshold, at, at.f1(), at.precision(), at.recall(), at.specificity(),
                at.balancedAccuracy(), ranking.roc(), ranking.precisionRecall(),
                Histogram.of(scores, labels, BINS));
    }

    /** Whether the 95 % intervals of the two AUROCs have a value in common. */
    public boolean overlaps(Evaluation other) {
        return aurocLow <= other.aurocHigh && other.aurocLow <= aurocHigh;
    }

    /**
     * The share of each class that falls into each of equally wide bins of the score.
     *
     * @param low left edge of the first bin
     * @param high right edge of the last
     */
    public record Histogram(double low, double high, double[] sound, double[] defective) {
        static Histogram of(double[] scores, int[] labels, int bins) {
            double low = Arrays.stream(scores).min().orElseThrow();
            double high = Arrays.stream(scores).max().orElseThrow();
            if (!Double.isFinite(high - low)) {
                throw CulvertException.data("scores reach from %s to %s: the probe has diverged", low, high);
            }
            if (low == high) {
                low -= 0.5;
                high += 0.5;
            }
            double[][] share = new double[2][bins];
            double positives = Arrays.stream(labels).sum();
            double[] weight = {1 / (labels.length - positives), 1 / positives};
            for (int i = 0; i < scores.length; i++) {
                int bin = (int) Math.min(bins - 1.0, bins * (scores[i] - low) / (high - low));
                share[labels[i]][bin] += weight[labels[i]];
            }
            return new Histogram(low, high, share[0], share[1]);
        }
    }
}
