package io.culvert.ops.attention;

import static io.culvert.device.cpu.Simd.F;
import static io.culvert.device.cpu.Simd.LANES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The softmax of a tile of scores {@code [keys, queries]} over its keys. Scores are exponents of 2, which saves the products with
 * log2(e) and ln(2) and costs nothing: the factor goes into that of the scores. A vector holds as many queries, and all that is
 * done to a vector is done while it is in a register; columns up to the next whole vector are computed too.
 *
 * <p>Powers are good to 2e-7 of their value; one below {@code 2^-126} counts as that. As in {@link
 * io.culvert.device.cpu.SimdMath}, loops call the Vector API and nothing else.
 */
final class SoftmaxTile {
    /** Rows summed in single precision before these sums are: a long sum loses digits. */
    private static final int SUMMED = 16;

    private static final float LEAST = -126;
    /** Adding it rounds a float to an integer, which then stands in its lowest bits. */
    private static final float ROUND = 0x1.8p23f;

    private static final int EXPONENT_SHIFT = 23;
    private static final int EXPONENT_BIAS = 0x3f800000;

    /** {@code 2^f} for |f| up to a half, from f^6 down to f: fitted to 1.6e-8 of its value. */
    private static final float[] POWER = {
        0.00015345811f, 0.0013399931f, 0.009618489f, 0.055503286f, 0.24022646f, 0.6931472f
    };

    private SoftmaxTile() {}

    /**
     * {@code x = 2^(x + offset)} with the offset that makes a column's greatest 1.
     *
     * @param x {@code [rows, columns]} by rows of {@code stride} elements
     * @param offsets gets one a column
     * @param sums gets the sum of each column
     */
    static void weights(float[] x, int stride, int rows, int columns, float[] offsets, float[] sums) {
        FloatVector one = FloatVector.broadcast(F, 1f);
        for (int c = 0; c < columns; c += LANES) {
            FloatVector greatest = FloatVector.fromArray(F, x, c);
            for (int row = 1; row < rows; row++) {
                FloatVector v = FloatVector.fromArray(F, x, row * stride + c);
                greatest = greatest.blend(v, v.compare(VectorOperators.GT, greatest));
            }
            FloatVector offset = greatest.neg();
            offset.intoArray(offsets, c);
            FloatVector.zero(F).intoArray(sums, c);
            for (int group = 0; group < rows; group += SUMMED) {
                FloatVector sum = FloatVector.zero(F);
                for (int row = group; row < Math.min(rows, group + SUMMED); row++) {
                    FloatVector v = FloatVector.fromArray(F, x, row * stride + c).add(offset);
                    v = v.blend(LEAST, v.compare(VectorOperators.LT, LEAST));
                    FloatVector shifted = v.add(ROUND);
                    FloatVector f = v.sub(shifted.sub(ROUND));
                    FloatVector p = f.fma(FloatVector.broadcast(F, POWER[0]), FloatVector.broadcast(F, POWER[1]));
                    p = p.fma(f, FloatVector.broadcast(F, POWER[2]));
                    p = p.fma(f, FloatVector.broadcast(F, POWER[3]));
                    p = p.fma(f, FloatVector.broadcast(F, POWER[4]));
                    p = p.fma(f, FloatVector.broadcast(F, POWER[5]));
                    p = p.fma(f, one);
                    p = p.mul(shifted.reinterpretAsInts()
                            .lanewise(VectorOperators.LSHL, EXPONENT_SHIFT)
                            .add(EXPONENT_BIAS)
                            .reinterpretAsFloats());
                    p.intoArray(x, row * stride + c);
                    sum = sum.add(p);
                }
                sum.add(FloatVector.fromArray(F, sums, c)).intoArray(sums, c);
            }
        }
    }

    /**
     * {@code x = 2^(x + offset)}, the softmax anew, and from its gradients dP those of the scores, {@code scale x (dP - D)} with D
     * the sum over a column of x dP, which is {@code y . dy}.
     *
     * @param slopes dP, then the gradients of the scores; laid out as x
     * @param offsets less the base-2 logarithm of each column's sum
     */
    static void slopes(float[] slopes, float[] x, int stride, int rows, int columns, float[] offsets, float scale) {
        FloatVector one = FloatVector.broadcast(F, 1f);
        FloatVector factor = FloatVector.broadcast(F, scale);
        for (int c = 0; c < columns; c += LANES) {
            FloatVector offset = FloatVector.fromArray(F, offsets, c);
            FloatVector total = FloatVector.zero(F);
            for (int group = 0; group < rows; group += SUMMED) {
                FloatVector sum = FloatVector.zero(F);
                for (int row = group; row < Math.min(rows, group + SUMMED); row++) {
                    FloatVector v = FloatVector.fromArray(F, x, row * stride + c).add(offset);
                    v = v.blend(LEAST, v.compare(VectorOperators.LT, LEAST));
                    FloatVector shifted = v.add(ROUND);
                    FloatVector f = v.sub(shifted.sub(ROUND));
                    FloatVector p = f.fma(FloatVector.broadcast(F, POWER[0]), FloatVector.broadcast(F, POWER[1]));
                    p = p.fma(f, FloatVector.broadcast(F, POWER[2]));
                    p = p.fma(f, FloatVector.broadcast(F, POWER[3]));
                    p = p.fma(f, FloatVector.broadcast(F, POWER[4]));
                    p = p.fma(f, FloatVector.broadcast(F, POWER[5]));
                    p = p.fma(f, one);
                    p = p.mul(shifted.reinterpretAsInts()
                            .lanewise(VectorOperators.LSHL, EXPONENT_SHIFT)
                            .add(EXPONENT_BIAS)
                            .reinterpretAsFloats());
                    p.intoArray(x, row * stride + c);
                    sum = p.fma(FloatVector.fromArray(F, slopes, row * stride + c), sum);
                }
                total = total.add(sum);
            }
            for (int row = 0; row < rows; row++) {
                FloatVector p = FloatVector.fromArray(F, x, row * stride + c).mul(factor);
                FloatVector.fromArray(F, slopes, row * stride + c).sub(total).mul(p).intoArray(slopes, row * stride + c);
            }
        }
    }
}
