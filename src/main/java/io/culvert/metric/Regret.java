package io.culvert.metric;

import io.culvert.CulvertException;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * What selecting a run by a score costs: the metric of the best run less that of the run with the highest score.
 *
 * @param oracle the metric of the best run
 * @param chosen that of the selected one; the mean of those that tie for the highest score
 * @param random the mean metric of all runs, what choosing one at random is expected to give
 */
public record Regret(double oracle, double chosen, double random) {
    /**
     * Selects.
     *
     * @param merit of each run, higher for a better one (see {@link LabelFree.Direction#merit}); a run whose score
     *     is NaN is never selected
     * @param metric what each run reaches, higher is better
     * @throws CulvertException of kind DATA when the lengths differ, a metric is NaN, or no run has a score
     */
    public static Regret of(double[] merit, double[] metric) {
        if (merit.length != metric.length || Arrays.stream(metric).anyMatch(Double::isNaN)) {
            throw CulvertException.data(
                    "regret needs a metric of every run, got %d scores and the metrics %s", merit.length, Arrays.toString(metric));
        }
        double highest = Arrays.stream(merit).filter(value -> !Double.isNaN(value)).max()
                .orElseThrow(() -> CulvertException.data(
                        "no run can be selected: none of %d has a score", merit.length));
        return new Regret(
                Arrays.stream(metric).max().orElseThrow(),
                IntStream.range(0, merit.length).filter(i -> merit[i] == highest).mapToDouble(i -> metric[i]).average()
                        .orElseThrow(),
                Arrays.stream(metric).average().orElseThrow());
    }

    /** Oracle less chosen: at least 0. */
    public double regret() {
        return oracle - chosen;
    }

    /** The expected regret of choosing at random. */
    public double expectedAtRandom() {
        return oracle - random;
    }
}
