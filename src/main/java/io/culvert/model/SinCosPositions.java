package io.culvert.model;

/**
 * Positions on a grid that nobody trains (Vaswani et al. 2017, section 3.5, in two dimensions as He et al. 2022 have them):
 * of each half of the channels a quarter of the whole is {@code sin(p w_k)}, then a quarter {@code cos(p w_k)}, with
 * {@code w_k = 10000^(-k / (D / 4))}. In the first half p is the column, in the second the row; the class token's are zeros.
 */
final class SinCosPositions {
    /** Sine and cosine of column and row: the channels are a multiple of so many. */
    static final int WAVES = 4;

    private static final double BASE = 10_000;

    private SinCosPositions() {}

    /** {@code [1 + height * width, dim]}, the class token's first, then row by row; dim is a multiple of {@link #WAVES}. */
    static float[] of(int height, int width, int dim) {
        int quarter = dim / WAVES;
        float[] positions = new float[Math.multiplyExact(1 + height * width, dim)];
        for (int cell = 0; cell < height * width; cell++) {
            int at = (1 + cell) * dim;
            for (int k = 0; k < quarter; k++) {
                double frequency = Math.pow(BASE, -(double) k / quarter);
                double x = cell % width * frequency;
                double y = cell / width * frequency;
                positions[at + k] = (float) Math.sin(x);
                positions[at + quarter + k] = (float) Math.cos(x);
                positions[at + 2 * quarter + k] = (float) Math.sin(y);
                positions[at + 3 * quarter + k] = (float) Math.cos(y);
            }
        }
        return positions;
    }
}
