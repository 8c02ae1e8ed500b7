package io.culvert.metric;

import io.culvert.CulvertException;

/** Student's t distribution with a whole number of degrees of freedom. */
public final class StudentT {
    private static final double WIDEST = 1e6;
    private static final int HALVINGS = 100;

    private StudentT() {}

    /**
     * How likely a value within {@code -t..t} is: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
     *
     * @param t at least 0
     * @param freedom degrees of freedom, at least 1
     */
    public static double within(double t, int freedom) {
        if (freedom < 1) {
            throw CulvertException.data("Student's t needs at least 1 degree of freedom, got %d", freedom);
        }
        double angle = Math.atan(t / Math.sqrt(freedom));
        double cosine = Math.cos(angle);
        boolean odd = freedom % 2 == 1;
        double term = odd ? cosine : 1;
        double sum = freedom == 1 ? 0 : term;
        for (int k = odd ? 3 : 2; k < freedom; k += 2) {
            term *= cosine * cosine * (k - 1) / k;
            sum += term;
        }
        return odd ? 2 / Math.PI * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum;
    }

    /**
     * The t within which the given share of all values lies on both sides of 0: 12.706 for 0.95 and 1 degree of freedom.
     *
     * @param level between 0 and 1
     */
    public static double bound(double level, int freedom) {
        double low = 0;
        double high = WIDEST;
        for (int i = 0; i < HALVINGS; i++) {
            double middle = (low + high) / 2;
            if (within(middle, freedom) < level) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return high;
    }
}
