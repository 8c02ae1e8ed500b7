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
     * The central interval of a ranking metric.
     *
     * @param level the share of the draws inside, e.g. 0.95
     * @param draws how many resamples, at least 100
     * @param seed the same seed gives the same interval
     * @throws CulvertException of kind DATA when one class is empty
     */
    public static Interval interval(double[] scores, int[] labels, ToDoubleFunction<Ranking> metric, double level,
            int draws, long seed) {
        Labels.check(scores, labels);
        int[] grouped = Order.ascending(Arrays.stream(labels).asDoubleStream().toArray());
        int positives = Arrays.stream(labels).sum();
        int negatives = labels.length - positives;
        Labels.requireBoth("a bootstrap interval", positives, negatives);
        double[] values = new double[draws];
        double[] drawn = new double[scores.length];
        int[] drawnLabels = Arrays.stream(grouped).map(i -> labels[i]).toArray();
        CounterRng rng = new CounterRng();
        for (int b = 0; b < draws; b++) {
            rng.key(seed, b, 0, 0);
            for (int i = 0; i < drawn.length; i++) {
                int pick = i < negatives ? rng.nextInt(negatives) : negatives + rng.nextInt(positives);
                drawn[i] = scores[grouped[pick]];
            }
            values[b] = metric.applyAsDouble(Ranking.of(drawn, drawnLabels));
        }
        Arrays.sort(values);
        return new Interval(quantile(values, (1 - level) / 2), quantile(values, (1 + level) / 2));
    }

    /** Linear between order statistics, NumPy's default. */
    private static double quantile(double[] sorted, double q) {
        double at = q * (sorted.length - 1);
        int below = (int) at;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
    }
}
