package io.culvert.train;

import io.culvert.CulvertException;

/**
 * Frozen features of a set of images.
 *
 * @param values {@code [rows, width]} row by row
 */
public record Features(float[] values, int rows, int width) {
    public Features {
        if (rows < 1 || width < 1 || (long) rows * width != values.length) {
            throw new IllegalArgumentException(
                    "%d values do not make features of %d x %d".formatted(values.length, rows, width));
        }
    }

    /**
     * Refuses features that are not numbers.
     *
     * @throws CulvertException of kind DIVERGED at the first NaN or infinity
     */
    void requireFinite() {
        for (int i = 0; i < values.length; i++) {
            if (!Float.isFinite(values[i])) {
                throw CulvertException.diverged("feature %d of image %d is %s: the network has diverged; pre-train "
                        + "again with a lower learning rate", i % width, i / width, values[i]);
            }
        }
    }

    /** {@code weight . row + bias}, the order of the sums fixed so that equal rows score equal. */
    double score(int row, double[] weight, double bias) {
        int base = row * width;
        double a = 0;
        double b = 0;
        double c = 0;
        double d = 0;
        int j = 0;
        // Four sums, because one would wait for its own last addition at every step.
        for (; j + 3 < width; j += 4) {
            a += weight[j] * values[base + j];
            b += weight[j + 1] * values[base + j + 1];
            c += weight[j + 2] * values[base + j + 2];
            d += weight[j + 3] * values[base + j + 3];
        }
        for (; j < width; j++) {
            a += weight[j] * values[base + j];
        }
        return bias + ((a + b) + (c + d));
    }

    /** {@code sum += factor * row}. */
    void accumulate(int row, double factor, double[] sum) {
        int base = row * width;
        for (int j = 0; j < width; j++) {
            sum[j] += factor * values[base + j];
        }
    }
}
