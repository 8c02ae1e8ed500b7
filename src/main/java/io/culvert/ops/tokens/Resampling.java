package io.culvert.ops.tokens;

/**
 * A fixed linear map of positions, the class token's among them, from one grid of places to another.
 *
 * @param from how many there are
 * @param to how many there will be
 * @param matrix {@code [to, from]}; it is not copied and must not change
 */
public record Resampling(int from, int to, float[] matrix) {
    public Resampling {
        if (matrix.length != (long) from * to) {
            throw new IllegalArgumentException("%d weights are not %d x %d".formatted(matrix.length, to, from));
        }
    }

    /** What a new place takes of an old one. */
    public float weight(int place, int old) {
        return matrix[place * from + old];
    }
}
