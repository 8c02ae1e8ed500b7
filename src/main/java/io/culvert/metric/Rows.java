package io.culvert.metric;

/** What scores of embeddings do with the rows of a matrix {@code [n, d]}. */
final class Rows {
    /** Columns of distances worked on at a time, so that their features stay in a core's cache. */
    private static final int BLOCK = 128;

    private Rows() {}

    /** Every row divided by its length; a row of zeros stays one. */
    static double[] unit(double[] values, int n, int d) {
        double[] unit = values.clone();
        for (int i = 0; i < n; i++) {
            double squares = 0;
            for (int j = i * d; j < (i + 1) * d; j++) {
                squares += values[j] * values[j];
            }
            double length = squares == 0 ? 1 : Math.sqrt(squares);
            for (int j = i * d; j < (i + 1) * d; j++) {
                unit[j] /= length;
            }
        }
        return unit;
    }

    /**
     * Squared distances of all pairs, {@code [n, n]}: sums of squared differences, not lengths less products, so that
     * near rows keep their digits.
     */
    static double[] squaredDistances(double[] values, int n, int d) {
        double[] columns = new double[n * d];
        for (int i = 0; i < n; i++) {
            for (int k = 0; k < d; k++) {
                columns[k * n + i] = values[i * d + k];
            }
        }
        double[] distances = new double[n * n];
        double[] sums = new double[BLOCK];
        for (int start = 0; start < n; start += BLOCK) {
            int width = Math.min(BLOCK, n - start);
            for (int i = 0; i < start + width; i++) {
                for (int j = 0; j < width; j++) {
                    sums[j] = 0;
                }
                for (int k = 0; k < d; k++) {
                    addSquares(sums, columns, k * n + start, width, values[i * d + k]);
                }
                for (int j = 0; j < width; j++) {
                    distances[i * n + start + j] = sums[j];
                    distances[(start + j) * n + i] = sums[j];
                }
            }
        }
        return distances;
    }

    /** {@code sums[j] += (from[offset + j] - value)^2}. */
    static void addSquares(double[] sums, double[] from, int offset, int count, double value) {
        for (int j = 0; j < count; j++) {
            double difference = from[offset + j] - value;
            sums[j] += difference * difference;
        }
    }

    /** The mean of some rows: the first one and the mean difference from it, so that equal rows have no rounding. */
    static double[] mean(double[] values, int d, int[] rows) {
        double[] mean = new double[d];
        for (int j = 0; j < d; j++) {
            double first = values[rows[0] * d + j];
            for (int row : rows) {
                mean[j] += values[row * d + j] - first;
            }
            mean[j] = first + mean[j] / rows.length;
        }
        return mean;
    }

    /** Some rows less a vector, {@code [rows, d]}. */
    static double[] centred(double[] values, int d, int[] rows, double[] centre) {
        double[] centred = new double[rows.length * d];
        for (int i = 0; i < rows.length; i++) {
            for (int j = 0; j < d; j++) {
                centred[i * d + j] = values[rows[i] * d + j] - centre[j];
            }
        }
        return centred;
    }
}
