package io.culvert.ops.gelu;

/** The standard normal distribution in double precision. */
final class NormalDistribution {
    private static final double SQRT_TWO_PI = Math.sqrt(2 * Math.PI);

    /** Where the series needs as many terms as the continued fraction. */
    private static final double CHANGE = 3;

    private static final int FRACTION_TERMS = 60;

    private NormalDistribution() {}

    static double density(double x) {
        return Math.exp(-0.5 * x * x) / SQRT_TWO_PI;
    }

    /**
     * The probability of a value below x. Near 0 by the series of Abramowitz and Stegun 26.2.11, in the tails by the
     * continued fraction 26.2.14, so that small probabilities keep their digits.
     */
    static double below(double x) {
        if (x < -CHANGE) {
            return tail(-x);
        }
        if (x > CHANGE) {
            return 1 - tail(x);
        }
        double term = x;
        double sum = x;
        for (int n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
            term *= x * x / (2 * n + 1);
            sum += term;
        }
        return 0.5 + density(x) * sum;
    }

    private static double tail(double x) {
        double fraction = x;
        for (int n = FRACTION_TERMS; n > 0; n--) {
            fraction = x + n / fraction;
        }
        return density(x) / fraction;
    }
}
