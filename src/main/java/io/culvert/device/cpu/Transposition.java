package io.culvert.device.cpu;

import static io.culvert.device.cpu.Simd.F;
import static io.culvert.device.cpu.Simd.LANES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/**
 * Transposes matrices in squares as wide as a vector: for each power of two s below that, rows i and i + s exchange the halves
 * of their runs of 2 s elements that lie off the diagonal (Eklundh 1972, "A fast computer method for matrix transposing").
 */
public final class Transposition {
    private static final Stage[] STAGES = new Stage[Integer.numberOfTrailingZeros(LANES)];

    static {
        for (int i = 0; i < STAGES.length; i++) {
            STAGES[i] = new Stage(LANES >> i + 1);
        }
    }

    private final float[] square = new float[LANES * LANES];

    /** An exchange at a distance. */
    private static final class Stage {
        final int distance;
        final VectorShuffle<Float> exchange;
        final VectorMask<Float> upper;

        Stage(int distance) {
            this.distance = distance;
            exchange = VectorShuffle.fromOp(F, lane -> lane ^ distance);
            boolean[] second = new boolean[LANES];
            for (int lane = 0; lane < LANES; lane++) {
                second[lane] = (lane & distance) != 0;
            }
            upper = VectorMask.fromArray(F, second, 0);
        }
    }

    /**
     * {@code to = scale from^T}. Both have room for, and get, whole squares.
     *
     * @param from {@code [rows, columns]} by rows of {@code stride} elements
     * @param to {@code [columns, rows]} by rows of {@code across} elements
     */
    public void transpose(float[] from, int stride, int rows, int columns, float[] to, int across, float scale) {
        for (int row = 0; row < rows; row += LANES) {
            for (int column = 0; column < columns; column += LANES) {
                for (int i = 0; i < LANES; i++) {
                    FloatVector.fromArray(F, from, (row + i) * stride + column).mul(scale).intoArray(square, i * LANES);
                }
                for (Stage stage : STAGES) {
                    exchange(stage.distance, stage.exchange, stage.upper);
                }
                for (int i = 0; i < LANES; i++) {
                    FloatVector.fromArray(F, square, i * LANES).intoArray(to, (column + i) * across + row);
                }
            }
        }
    }

    private void exchange(int distance, VectorShuffle<Float> shuffle, VectorMask<Float> upper) {
        for (int pair = 0; pair < LANES / 2; pair++) {
            // The pair's number with a zero put in where the distance has its one.
            int i = (pair & -distance) + pair;
            int at = i * LANES;
            int other = (i + distance) * LANES;
            FloatVector x = FloatVector.fromArray(F, square, at);
            FloatVector y = FloatVector.fromArray(F, square, other);
            x.blend(y.rearrange(shuffle), upper).intoArray(square, at);
            x.rearrange(shuffle).blend(y, upper).intoArray(square, other);
        }
    }
}
