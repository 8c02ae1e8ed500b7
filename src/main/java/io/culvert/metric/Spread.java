package io.culvert.metric;

import io.culvert.CulvertException;

/** How far embeddings lie from one another on the unit sphere. */
public final class Spread {
    private Spread() {}

    /**
     * The mean over dimensions of the standard deviation (divisor n - 1) of the rows divided by their length, times
     * {@code sqrt(d)}: near 1 for rows that point anywhere, 0 for rows that all point the same way (the monitor of Chen and
     * He 2021, section 4.1). A row of zeros stays one.
     *
     * @param values {@code [n, d]} row by row
     * @throws CulvertException of kind DATA for fewer than two rows, or a shape that does not fit
     */
    public static double ofUnitRows(double[] values, int n, int d) {
        if (n < 2 || d < 1 || (long) n * d != values.length) {
            throw CulvertException.data(
                    "%d values do not make at least 2 rows, but %d x %d, whose spread could be told", values.length, n, d);
        }
        double[] sums = new double[d];
        double[] squares = new double[d];
        double[] unit = new double[d];
        double[] origin = new double[d];
        for (int i = 0; i < n; i++) {
            double length = 0;
            for (int j = 0; j < d; j++) {
                length += values[i * d + j] * values[i * d + j];
            }
            length = length == 0 ? 1 : Math.sqrt(length);
            for (int j = 0; j < d; j++) {
                unit[j] = values[i * d + j] / length;
                // Sums of differences from the first row: rows that are all but equal keep their digits.
                origin[j] = i == 0 ? unit[j] : origin[j];
                sums[j] += unit[j] - origin[j];
                squares[j] += (unit[j] - origin[j]) * (unit[j] - origin[j]);
            }
        }
        double mean = 0;
        for (int j = 0; j < d; j++) {
            mean += Math.sqrt(Math.max(0, (squares[j] - sums[j] * sums[j] / n) / (n - 1))) / d;
        }
        return mean * Math.sqrt(d);
    }
}
