package io.culvert.metric;

import io.culvert.CulvertException;
import java.util.Arrays;

/** How two series of values go together. */
public final class Correlation {
    private Correlation() {}

    /**
     * Spearman's rank correlation: Pearson's of the ranks, tied values sharing their mean rank.
     *
     * @throws CulvertException of kind DATA when the lengths differ, a value is NaN, or a series is constant, where it
     *     is undefined (SciPy warns and gives NaN)
     */
    public static double spearman(double[] x, double[] y) {
        check(x, y);
        return pearson(Order.averageRanks(x), Order.averageRanks(y));
    }

    /** Kendall's tau-b, which allows for ties; the same errors as {@link #spearman}. Quadratic in the length. */
    public static double kendall(double[] x, double[] y) {
        check(x, y);
        long agreement = 0;
        long untiedX = 0;
        long untiedY = 0;
        for (int i = 0; i < x.length; i++) {
            for (int j = 0; j < i; j++) {
                int dx = compare(x[i], x[j]);
                int dy = compare(y[i], y[j]);
                agreement += (long) dx * dy;
                untiedX += Math.abs(dx);
                untiedY += Math.abs(dy);
            }
        }
        return agreement / (Math.sqrt(untiedX) * Math.sqrt(untiedY));
    }

    private static int compare(double a, double b) {
        return a < b ? -1 : a > b ? 1 : 0;
    }

    private static double pearson(double[] x, double[] y) {
        double meanX = Arrays.stream(x).average().orElseThrow();
        double meanY = Arrays.stream(y).average().orElseThrow();
        double xy = 0;
        double xx = 0;
        double yy = 0;
        for (int i = 0; i < x.length; i++) {
            double dx = x[i] - meanX;
            double dy = y[i] - meanY;
            xy += dx * dy;
            xx += dx * dx;
            yy += dy * dy;
        }
        return xy / (Math.sqrt(xx) * Math.sqrt(yy));
    }

    private static void check(double[] x, double[] y) {
        if (x.length != y.length) {
            throw CulvertException.data("a correlation needs series of one length, got %d and %d", x.length, y.length);
        }
        checkVaries("x", x);
        checkVaries("y", y);
    }

    private static void checkVaries(String name, double[] values) {
        boolean varies = false;
        for (int i = 0; i < values.length; i++) {
            if (Double.isNaN(values[i])) {
                throw CulvertException.data("%s[%d] is NaN: a correlation needs numbers", name, i);
            }
            varies |= values[i] != values[0];
        }
        if (!varies) {
            throw CulvertException.data("a correlation needs %s to vary, all its %d values are equal", name,
                    values.length);
        }
    }
}
