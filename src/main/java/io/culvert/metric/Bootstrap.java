package io.culvert.metric;

import io.culvert.CounterRng;
import io.culvert.CulvertException;
import java.util.Arrays;
import java.util.function.ToDoubleFunction;

/**
 * Percentile intervals by the stratified bootstrap: positives and negatives are drawn with replacement, each in their
 * own number, so that every draw has both classes and the same prevalence.
 */
public final class Bootstrap {
    /** The bounds between which the given share of the draws lies. */
    public record Interval(double low, double high) {}

    private Bootstrap() {}

    /**
     * The central interval of a metric of scores and labels. A draw takes time in proportion to the number of scores,
     * for they are sorted once.
     *
     * @param metric e.g. {@code Ranking::auroc}, {@code r -> r.at(0.5).f1()} or {@code r -> Calibration.error(r, 15)}
     * @param level the share of the draws inside, e.g. 0.95
     * @param draws how many resamples, at least 100
     * @param seed the same seed gives the same interval
     * @throws CulvertException of kind DATA when one class is empty
     */
    public static Interval interval(double[] scores, int[] labels, ToDoubleFunction<Ranking> metric, double level,
            int draws, long seed) {
        Ranking ranking = Ranking.of(scores, labels);
        int[] groups = Arrays.stream(scores).mapToInt(score -> ranking.reached(score) - 1).toArray();
        long[][] counts = new long[2][ranking.groups()];
        return ofImages(labels, drawn -> {
            Arrays.fill(counts[0], 0);
            Arrays.fill(counts[1], 0);
            for (int image : drawn) {
                counts[labels[image]][groups[image]]++;
            }
            return metric.applyAsDouble(ranking.withCounts(counts[1], counts[0]));
        }, level, draws, seed);
    }

    /**
     * The central interval of anything that is computed from a choice of images, such as the difference of two networks
     * on the same ones.
     *
     * @param labels 0 or 1: what the draws are stratified by
     * @param metric of the indices of a draw, as many as there are labels, sound ones first; the array is used again
     */
    public static Interval ofImages(int[] labels, ToDoubleFunction<int[]> metric, double level, int draws, long seed) {
        Labels.check(new double[labels.length], labels);
        int[] grouped = Order.ascending(Arrays.stream(labels).asDoubleStream().toArray());
        int positives = Arrays.stream(labels).sum();
        int negatives = labels.length - positives;
        Labels.requireBoth("a bootstrap interval", positives, negatives);
        double[] values = new double[draws];
        int[] drawn = new int[labels.length];
        CounterRng rng = new CounterRng();
        for (int b = 0; b < draws; b++) {
            rng.key(seed, b, 0, 0);
            for (int i = 0; i < drawn.length; i++) {
                drawn[i] = grouped[i < negatives ? rng.nextInt(negatives) : negatives + rng.nextInt(positives)];
            }
            values[b] = metric.applyAsDouble(drawn);
        }
        return central(values, level);
    }

    static Interval central(double[] values, double level) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return new Interval(quantile(sorted, (1 - level) / 2), quantile(sorted, (1 + level) / 2));
    }

    /** Linear between order statistics, NumPy's default. */
    private static double quantile(double[] sorted, double q) {
        double at = q * (sorted.length - 1);
        int below = (int) at;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
    }
}
