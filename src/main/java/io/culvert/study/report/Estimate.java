package io.culvert.study.report;

import io.culvert.metric.StudentT;
import java.util.Arrays;

/**
 * A mean over runs.
 *
 * @param runs how many
 * @param deviation sample standard deviation; NaN for one run
 * @param low lower bound of the mean's 95 % interval (Student's t); NaN for one run
 */
public record Estimate(int runs, double mean, double deviation, double low, double high) {
    private static final double LEVEL = 0.95;

    /** @param values at least one */
    static Estimate of(double... values) {
        double mean = Arrays.stream(values).average().orElseThrow();
        if (values.length == 1) {
            return new Estimate(1, mean, Double.NaN, Double.NaN, Double.NaN);
        }
        double squares = Arrays.stream(values).map(value -> (value - mean) * (value - mean)).sum();
        double deviation = Math.sqrt(squares / (values.length - 1));
        double reach = StudentT.bound(LEVEL, values.length - 1) * deviation / Math.sqrt(values.length);
        return new Estimate(values.length, mean, deviation, mean - reach, mean + reach);
    }

    boolean hasInterval() {
        return runs > 1;
    }
}
