package io.culvert.device.cpu;

import static io.culvert.device.cpu.PowerOfTwo.EXPONENT_SHIFT;
import static io.culvert.device.cpu.PowerOfTwo.ROUND;
import static io.culvert.device.cpu.Simd.F;
import static io.culvert.device.cpu.Simd.LANES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Functions of the elements of arrays, a vector at a time, made of fused multiply-adds alone: unlike the Vector API's own
 * they give the same bits before and after compilation. Arrays have room for whole vectors: what lies between {@code
 * count} and the next multiple of {@link Simd#LANES} is computed too.
 *
 * <p>Each loop calls the Vector API and nothing else. The compiler inlines that whatever its size, but stops inlining other
 * methods once a body has grown large, and a vector that crosses a call lives on the heap.
 */
public final class SimdMath {
    private static final float LOG2_E = (float) (1 / Math.log(2));
    /** The logarithm of 2 in two parts; the first has so few digits that small multiples of it are exact. */
    private static final float LN2_HIGH = 0x1.62ep-1f;

    private static final float LN2_LOW = (float) (Math.log(2) - LN2_HIGH);
    private static final float LEAST = -87.3f;

    private SimdMath() {}

    /**
     * {@code x = e^(scale x + offset)} to 2e-7 of its value, for exponents up to 88; one below -87.3 counts as that.
     */
    public static void exp(float[] x, int from, int count, float scale, float offset) {
        FloatVector one = FloatVector.broadcast(F, 1f);
        FloatVector factor = FloatVector.broadcast(F, scale);
        FloatVector shift = FloatVector.broadcast(F, offset);
        for (int i = from; i < from + count; i += LANES) {
            FloatVector v = FloatVector.fromArray(F, x, i).fma(factor, shift);
            v = v.blend(LEAST, v.compare(VectorOperators.LT, LEAST));
            FloatVector shifted = v.fma(FloatVector.broadcast(F, LOG2_E), FloatVector.broadcast(F, ROUND));
            FloatVector n = shifted.sub(ROUND);
            FloatVector r = n.fma(FloatVector.broadcast(F, -LN2_HIGH), v);
            r = n.fma(FloatVector.broadcast(F, -LN2_LOW), r);
            // The Taylor series: |r| is at most ln(2) / 2, where the first term left out is 5e-9.
            FloatVector p = r.fma(FloatVector.broadcast(F, 1f / 5040), FloatVector.broadcast(F, 1f / 720));
            p = p.fma(r, FloatVector.broadcast(F, 1f / 120));
            p = p.fma(r, FloatVector.broadcast(F, 1f / 24));
            p = p.fma(r, FloatVector.broadcast(F, 1f / 6));
            p = p.fma(r, FloatVector.broadcast(F, 0.5f));
            p = p.fma(r, one);
            p = p.fma(r, one);
            shifted.reinterpretAsInts()
                    .lanewise(VectorOperators.LSHL, EXPONENT_SHIFT)
                    .add(p.reinterpretAsInts())
                    .reinterpretAsFloats()
                    .intoArray(x, i);
        }
    }
}
