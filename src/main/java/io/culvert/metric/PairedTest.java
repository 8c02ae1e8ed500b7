package io.culvert.metric;

import io.culvert.CounterRng;
import io.culvert.CulvertException;
import java.util.Arrays;

/**
 * Whether two methods differ, judged on pairs of runs that share all but the method (seed, share of defects, ...): the
 * sign-flip permutation test of their differences (Fisher 1935), which supposes only that under the null hypothesis a
 * difference is as likely as its negative.
 *
 * @param pairs how many
 * @param meanDifference of first less second
 * @param p two-sided: the share of sign choices whose mean is at least as far from 0; never 0
 * @param exact whether all {@code 2^pairs} choices were counted, or some were drawn
 */
public record PairedTest(int pairs, double meanDifference, double p, boolean exact) {
    /** The most pairs whose sign choices are all counted. */
    public static final int EXACT_PAIRS = 20;

    /** Sums that are equal but for rounding count as equal. */
    private static final double ROUNDING = 1e-12;

    /**
     * Tests paired values.
     *
     * @param draws how many sign choices are drawn for more than {@value #EXACT_PAIRS} pairs; p is then
     *     {@code (hits + 1) / (draws + 1)}
     * @param seed of the draws
     * @throws CulvertException of kind DATA when there are no pairs, lengths differ or a value is not finite
     */
    public static PairedTest of(double[] first, double[] second, int draws, long seed) {
        if (first.length != second.length || first.length == 0) {
            throw CulvertException.data("a paired test needs pairs, got %d values and %d", first.length, second.length);
        }
        double[] differences = new double[first.length];
        double scale = 0;
        for (int i = 0; i < differences.length; i++) {
            differences[i] = first[i] - second[i];
            if (!Double.isFinite(differences[i])) {
                throw CulvertException.data("pair %d is %s and %s: a paired test needs numbers", i, first[i], second[i]);
            }
            scale += Math.abs(differences[i]);
        }
        double sum = Arrays.stream(differences).sum();
        double bound = Math.abs(sum) - ROUNDING * scale;
        boolean exact = differences.length <= EXACT_PAIRS;
        // The first sign can stay: a choice and its reverse are equally far from 0.
        double p = exact
                ? count(differences, 1, differences[0], bound) / (double) (1L << differences.length - 1)
                : (drawn(differences, bound, draws, seed) + 1.0) / (draws + 1.0);
        return new PairedTest(differences.length, sum / differences.length, p, exact);
    }

    private static long count(double[] differences, int from, double sum, double bound) {
        return from == differences.length
                ? Math.abs(sum) >= bound ? 1 : 0
                : count(differences, from + 1, sum + differences[from], bound)
                        + count(differences, from + 1, sum - differences[from], bound);
    }

    private static long drawn(double[] differences, double bound, int draws, long seed) {
        CounterRng rng = new CounterRng();
        long hits = 0;
        for (int b = 0; b < draws; b++) {
            rng.key(seed, b, 0, 0);
            double sum = 0;
            for (double difference : differences) {
                sum += rng.nextLong() < 0 ? -difference : difference;
            }
            hits += Math.abs(sum) >= bound ? 1 : 0;
        }
        return hits;
    }
}
