package io.culvert.metric;

import io.culvert.CulvertException;
import java.util.Arrays;

/** P-values of many comparisons at once, adjusted so that each can be held against one level. */
public final class Multiplicity {
    private Multiplicity() {}

    /**
     * Holm's step-down values (Scandinavian Journal of Statistics 1979): rejecting those up to a level makes any false
     * rejection at most that likely, whatever depends on what.
     *
     * @return in the order given
     * @throws CulvertException of kind DATA for a value outside of 0..1
     */
    public static double[] holm(double[] p) {
        int[] order = order(p);
        double[] adjusted = new double[p.length];
        double least = 0;
        for (int i = 0; i < order.length; i++) {
            least = Math.max(least, Math.min(1, (order.length - i) * p[order[i]]));
            adjusted[order[i]] = least;
        }
        return adjusted;
    }

    /**
     * Values of Benjamini and Hochberg (JRSS B 1995): of those up to a level, at most that share is expected to be
     * false, for independent or positively dependent tests. The same result order and errors as {@link #holm}.
     */
    public static double[] benjaminiHochberg(double[] p) {
        int[] order = order(p);
        double[] adjusted = new double[p.length];
        double most = 1;
        for (int i = order.length - 1; i >= 0; i--) {
            most = Math.min(most, p[order[i]] * order.length / (i + 1));
            adjusted[order[i]] = most;
        }
        return adjusted;
    }

    private static int[] order(double[] p) {
        if (!Arrays.stream(p).allMatch(value -> value >= 0 && value <= 1)) {
            throw CulvertException.data("p-values lie in 0..1, got %s", Arrays.toString(p));
        }
        return Order.ascending(p);
    }
}
