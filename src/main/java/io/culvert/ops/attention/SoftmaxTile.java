package io.culvert.ops.attention;

import static io.culvert.device.cpu.PowerOfTwo.EXPONENT_SHIFT;
import static io.culvert.device.cpu.PowerOfTwo.LEAST_ROUNDED;
import static io.culvert.device.cpu.PowerOfTwo.P1;
import static io.culvert.device.cpu.PowerOfTwo.P2;
import static io.culvert.device.cpu.PowerOfTwo.P3;
import static io.culvert.device.cpu.PowerOfTwo.P4;
import static io.culvert.device.cpu.PowerOfTwo.P5;
import static io.culvert.device.cpu.PowerOfTwo.ROUND;
import static io.culvert.device.cpu.Simd.F;
import static io.culvert.device.cpu.Simd.LANES;
import static io.culvert.device.cpu.Simd.NATIVE;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The softmax of a tile of scores {@code [keys, queries]} over its keys. Scores become exponents of 2, which saves the products
 * with log2(e) and ln(2) and costs nothing: the factor goes into that of the scores. A vector holds as many queries, and all that is
 * done to a vector is done while it is in a register; columns up to the next whole vector are computed too.
 *
 * <p>Powers are good to 2e-7 of their value; one below {@code 2^-125} counts as about that. The scale must not be
 * negative. As in {@link
 * io.culvert.device.cpu.SimdMath}, loops call the Vector API and nothing else.
 */
final class SoftmaxTile {
    /** Rows summed in single precision before these sums are: a long sum loses digits. */
    private static final int SUMMED = 16;

    private static final int ROUND_BITS = Float.floatToRawIntBits(ROUND);
    private static final int ROOT_OF_HALF = Float.floatToRawIntBits((float) Math.sqrt(0.5));
    private static final int MANTISSA = (1 << EXPONENT_SHIFT) - 1;

    // log2(m) = 2 / ln(2) (s + s^3 / 3 + s^5 / 5 + ...) with s = (m - 1) / (m + 1) (Abramowitz and Stegun, 4.1.27): |s| is at most 0.172 for
    // m about 1 by a root of 2, where the first term left out is 1e-9.
    private static final float L1 = (float) (2 / Math.log(2));
    private static final float L3 = L1 / 3;
    private static final float L5 = L1 / 5;
    private static final float L7 = L1 / 7;
    private static final float L9 = L1 / 9;

    private SoftmaxTile() {}

    /**
     * {@code x = 2^(scale x + offset)} with the offset that makes a column's greatest 1.
     *
     * @param x {@code [rows, columns]} from byte {@code from} on, by rows of {@code stride} elements
     * @param offsets gets what {@link #slopes} needs of each column, the offset that makes its sum 1, from {@code first} on
     * @param inverses gets 1 over the sum of each column, likewise
     */
    static void weights(
            MemorySegment x, long from, long stride, int rows, int columns, float scale, float[] offsets, float[] inverses,
            int first) {
        FloatVector one = FloatVector.broadcast(F, 1f);
        FloatVector factor = FloatVector.broadcast(F, scale);
        long row = stride * Float.BYTES;
        for (int c = 0; c < columns; c += LANES) {
            long top = from + (long) c * Float.BYTES;
            FloatVector greatest = FloatVector.fromMemorySegment(F, x, top, NATIVE);
            for (int r = 1; r < rows; r++) {
                FloatVector v = FloatVector.fromMemorySegment(F, x, top + r * row, NATIVE);
                greatest = greatest.blend(v, v.compare(VectorOperators.GT, greatest));
            }
            FloatVector offset = greatest.mul(-scale);
            FloatVector total = FloatVector.zero(F);
            for (int group = 0; group < rows; group += SUMMED) {
                FloatVector sum = FloatVector.zero(F);
                for (int r = group; r < Math.min(rows, group + SUMMED); r++) {
                    long at = top + r * row;
                    FloatVector v = FloatVector.fromMemorySegment(F, x, at, NATIVE).fma(factor, offset);
                    FloatVector shifted = v.add(ROUND);
                    FloatVector f = v.sub(shifted.sub(ROUND));
                    FloatVector p = f.fma(FloatVector.broadcast(F, P5), FloatVector.broadcast(F, P4));
                    p = p.fma(f, FloatVector.broadcast(F, P3));
                    p = p.fma(f, FloatVector.broadcast(F, P2));
                    p = p.fma(f, FloatVector.broadcast(F, P1));
                    p = p.fma(f, one);
                    p = shifted.reinterpretAsInts()
                            .max(LEAST_ROUNDED)
                            .lanewise(VectorOperators.LSHL, EXPONENT_SHIFT)
                            .add(p.reinterpretAsInts())
                            .reinterpretAsFloats();
                    p.intoMemorySegment(x, at, NATIVE);
                    sum = sum.add(p);
                }
                total = total.add(sum);
            }
            one.div(total).intoArray(inverses, first + c);
            IntVector bits = total.reinterpretAsInts().sub(ROOT_OF_HALF);
            FloatVector exponent =
                    bits.lanewise(VectorOperators.ASHR, EXPONENT_SHIFT).add(ROUND_BITS).reinterpretAsFloats().sub(ROUND);
            FloatVector m = bits.and(MANTISSA).add(ROOT_OF_HALF).reinterpretAsFloats();
            FloatVector s = m.sub(one).div(m.add(one));
            FloatVector square = s.mul(s);
            FloatVector log = square.fma(FloatVector.broadcast(F, L9), FloatVector.broadcast(F, L7));
            log = log.fma(square, FloatVector.broadcast(F, L5));
            log = log.fma(square, FloatVector.broadcast(F, L3));
            log = log.fma(square, FloatVector.broadcast(F, L1));
            offset.sub(log.fma(s, exponent)).intoArray(offsets, first + c);
        }
    }

    /**
     * {@code x = 2^(scale x + offset)}, the softmax anew, and from its gradients dP those of the scores, {@code slope x (dP -
     * D)} with D the sum over a column of x dP, which is {@code y . dy}.
     *
     * @param slopes dP, then the gradients of the scores; laid out as x
     * @param offsets that make each column's sum 1, from {@code first} on
     * @param scale as {@link #weights}
     */
    static void slopes(
            MemorySegment slopes, MemorySegment x, long from, long stride, int rows, int columns, float scale, float[] offsets,
            int first, float slope) {
        FloatVector one = FloatVector.broadcast(F, 1f);
        FloatVector factor = FloatVector.broadcast(F, scale);
        FloatVector steepness = FloatVector.broadcast(F, slope);
        long row = stride * Float.BYTES;
        for (int c = 0; c < columns; c += LANES) {
            long top = from + (long) c * Float.BYTES;
            FloatVector offset = FloatVector.fromArray(F, offsets, first + c);
            FloatVector total = FloatVector.zero(F);
            for (int group = 0; group < rows; group += SUMMED) {
                FloatVector sum = FloatVector.zero(F);
                for (int r = group; r < Math.min(rows, group + SUMMED); r++) {
                    long at = top + r * row;
                    FloatVector v = FloatVector.fromMemorySegment(F, x, at, NATIVE).fma(factor, offset);
                    FloatVector shifted = v.add(ROUND);
                    FloatVector f = v.sub(shifted.sub(ROUND));
                    FloatVector p = f.fma(FloatVector.broadcast(F, P5), FloatVector.broadcast(F, P4));
                    p = p.fma(f, FloatVector.broadcast(F, P3));
                    p = p.fma(f, FloatVector.broadcast(F, P2));
                    p = p.fma(f, FloatVector.broadcast(F, P1));
                    p = p.fma(f, one);
                    p = shifted.reinterpretAsInts()
                            .max(LEAST_ROUNDED)
                            .lanewise(VectorOperators.LSHL, EXPONENT_SHIFT)
                            .add(p.reinterpretAsInts())
                            .reinterpretAsFloats();
                    p.intoMemorySegment(x, at, NATIVE);
                    sum = p.fma(FloatVector.fromMemorySegment(F, slopes, at, NATIVE), sum);
                }
                total = total.add(sum);
            }
            for (int r = 0; r < rows; r++) {
                long at = top + r * row;
                FloatVector p = FloatVector.fromMemorySegment(F, x, at, NATIVE).mul(steepness);
                FloatVector.fromMemorySegment(F, slopes, at, NATIVE)
                        .sub(total)
                        .mul(p)
                        .intoMemorySegment(slopes, at, NATIVE);
            }
        }
    }
}
