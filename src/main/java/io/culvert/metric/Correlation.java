package io.culvert.metric;

import io.culvert.CounterRng;
import io.culvert.CulvertException;
import java.util.Arrays;
import java.util.function.ToDoubleBiFunction;

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

    /**
     * A correlation with its bootstrap interval.
     *
     * @param value of all pairs
     * @param low lower bound of the interval
     * @param skipped draws in which one series was constant, so that there was no correlation; not among those of
     *     the interval
     */
    public record WithInterval(double value, double low, double high, int skipped) {}

    /**
     * A correlation over runs and its percentile interval: pairs are drawn with replacement, as many as there are.
     *
     * @param correlation {@code Correlation::spearman} or {@code Correlation::kendall}
     * @param level the share of the draws inside, e.g. 0.95
     * @param draws how many resamples
     * @param seed the same seed gives the same interval
     * @throws CulvertException of kind DATA as the correlation does, or when no draw had one
     */
    public static WithInterval withInterval(double[] x, double[] y, ToDoubleBiFunction<double[], double[]> correlation,
            double level, int draws, long seed) {
        double value = correlation.applyAsDouble(x, y);
        double[] drawnX = new double[x.length];
        double[] drawnY = new double[x.length];
        double[] values = new double[draws];
        int used = 0;
        CounterRng rng = new CounterRng();
        for (int b = 0; b < draws; b++) {
            rng.key(seed, b, 0, 0);
            for (int i = 0; i < x.length; i++) {
                int pick = rng.nextInt(x.length);
                drawnX[i] = x[pick];
                drawnY[i] = y[pick];
            }
            if (varies(drawnX) && varies(drawnY)) {
                values[used++] = correlation.applyAsDouble(drawnX, drawnY);
            }
        }
        if (used == 0) {
            throw CulvertException.data("none of %d draws of %d pairs varied: too few for an interval", draws, x.length);
        }
        Bootstrap.Interval interval = Bootstrap.central(Arrays.copyOf(values, used), level);
        return new WithInterval(value, interval.low(), interval.high(), draws - used);
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
        for (int i = 0; i < values.length; i++) {
            if (Double.isNaN(values[i])) {
                throw CulvertException.data("%s[%d] is NaN: a correlation needs numbers", name, i);
            }
        }
        if (!varies(values)) {
            throw CulvertException.data("a correlation needs %s to vary, all its %d values are equal", name,
                    values.length);
        }
    }

    private static boolean varies(double[] values) {
        return Arrays.stream(values).anyMatch(value -> value != values[0]);
    }
}
