package io.culvert.model;

import io.culvert.ops.tokens.Resampling;

/**
 * Learned positions from one grid to another, as timm's {@code resample_abs_pos_embed}, that is PyTorch's {@code interpolate}
 * with {@code mode='bicubic', antialias=True, align_corners=False}: the cubic filter with a = -1/2, stretched where the grid
 * shrinks. The class token's position stays as it is. DINO's own code has neither the stretching nor this a, and shifts the
 * scale by 0.1 of a place.
 */
public final class PositionResampling {
    private static final double A = -0.5;
    private static final int RADIUS = 2;

    private PositionResampling() {}

    /** The side of the square grid that {@code positions} are of besides the class token's; 0 if there is none. */
    public static int side(long positions) {
        int side = (int) Math.round(Math.sqrt(Math.max(0, positions - 1)));
        return (long) side * side == positions - 1 ? side : 0;
    }

    /** The linear map from positions on a grid of {@code height} by {@code width} to such on another. */
    public static Resampling of(int height, int width, int toHeight, int toWidth) {
        double[][] rows = weights(height, toHeight);
        double[][] columns = weights(width, toWidth);
        int from = 1 + height * width;
        int to = 1 + toHeight * toWidth;
        float[] matrix = new float[Math.multiplyExact(from, to)];
        matrix[0] = 1;
        for (int place = 1; place < to; place++) {
            double[] row = rows[(place - 1) / toWidth];
            double[] column = columns[(place - 1) % toWidth];
            for (int old = 1; old < from; old++) {
                matrix[place * from + old] = (float) (row[(old - 1) / width] * column[(old - 1) % width]);
            }
        }
        return new Resampling(from, to, matrix);
    }

    /**
     * Resamples from a square grid.
     *
     * @param values {@code [1 + side * side, width]}
     * @return {@code [1 + height * across, width]}
     */
    public static float[] resample(float[] values, int side, int height, int across, int width) {
        Resampling map = of(side, side, height, across);
        float[] result = new float[map.to() * width];
        for (int place = 0; place < map.to(); place++) {
            for (int d = 0; d < width; d++) {
                double sum = 0;
                for (int old = 0; old < map.from(); old++) {
                    sum += (double) map.weight(place, old) * values[old * width + d];
                }
                result[place * width + d] = (float) sum;
            }
        }
        return result;
    }

    /** {@code [to][from]}: what each new place takes of each old one. */
    private static double[][] weights(int from, int to) {
        double scale = (double) from / to;
        double stretch = Math.max(scale, 1);
        double[][] weights = new double[to][from];
        for (int i = 0; i < to; i++) {
            double center = scale * (i + 0.5);
            int first = Math.max((int) (center - RADIUS * stretch + 0.5), 0);
            int end = Math.min((int) (center + RADIUS * stretch + 0.5), from);
            double total = 0;
            for (int k = first; k < end; k++) {
                weights[i][k] = cubic(Math.abs(k - center + 0.5) / stretch);
                total += weights[i][k];
            }
            for (int k = first; k < end; k++) {
                weights[i][k] /= total;
            }
        }
        return weights;
    }

    private static double cubic(double x) {
        if (x < 1) {
            return ((A + 2) * x - (A + 3)) * x * x + 1;
        }
        return x < RADIUS ? (((x - 5) * x + 8) * x - 4) * A : 0;
    }
}
