package io.culvert.train;

import io.culvert.data.augment.Interpolation;
import io.culvert.data.augment.ResampleWeights;

/**
 * Learned positions from one grid to another, as timm's {@code resample_abs_pos_embed}: bicubic, antialiased, the class
 * token's position as it is.
 */
final class PositionResampling {
    private PositionResampling() {}

    /** The side of the square grid that {@code positions} are of besides the class token's; 0 if there is none. */
    static int side(long positions) {
        int side = (int) Math.round(Math.sqrt(Math.max(0, positions - 1)));
        return (long) side * side == positions - 1 ? side : 0;
    }

    /**
     * Resamples.
     *
     * @param values {@code [1 + side * side, width]}
     * @return {@code [1 + height * across, width]}
     */
    static float[] resample(float[] values, int side, int height, int across, int width) {
        ResampleWeights rows = weights(side, height);
        ResampleWeights columns = weights(side, across);
        float[] result = new float[(1 + height * across) * width];
        System.arraycopy(values, 0, result, 0, width);
        for (int i = 0; i < height; i++) {
            for (int j = 0; j < across; j++) {
                for (int d = 0; d < width; d++) {
                    result[(1 + i * across + j) * width + d] = at(values, side, width, rows, i, columns, j, d);
                }
            }
        }
        return result;
    }

    private static ResampleWeights weights(int from, int to) {
        ResampleWeights weights = new ResampleWeights();
        weights.compute(from, to, Interpolation.BICUBIC, true);
        return weights;
    }

    private static float at(
            float[] values, int side, int width, ResampleWeights rows, int i, ResampleWeights columns, int j, int d) {
        double sum = 0;
        for (int r = 0; r < rows.count(i); r++) {
            double line = 0;
            for (int c = 0; c < columns.count(j); c++) {
                int place = (rows.start(i) + r) * side + columns.start(j) + c;
                line += (double) columns.weights()[columns.offset(j) + c] * values[(1 + place) * width + d];
            }
            sum += rows.weights()[rows.offset(i) + r] * line;
        }
        return (float) sum;
    }
}
