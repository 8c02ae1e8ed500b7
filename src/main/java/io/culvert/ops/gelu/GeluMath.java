package io.culvert.ops.gelu;

import static io.culvert.device.cpu.PowerOfTwo.EXPONENT_SHIFT;
import static io.culvert.device.cpu.PowerOfTwo.LEAST;
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
import jdk.incubator.vector.VectorOperators;

/**
 * The two loops of GELU, over whole vectors; as in {@link io.culvert.device.cpu.SimdMath} they call the Vector API and nothing else.
 * What does not change is written twice for that reason.
 */
final class GeluMath {
    private static final float INVERSE_SQRT_TWO_PI = (float) (1 / Math.sqrt(2 * Math.PI));
    /** {@code -log2(e) / 2}: e^(-x^2 / 2) is this power of 2 of x^2. */
    private static final float BELL = (float) (-0.5 / Math.log(2));

    private static final float TAIL_SCALE = 0.2775f;
    // R(t) of values, the factor of each power of t.
    private static final float R6 = -0.11096965f;
    private static final float R5 = 0.42292832f;
    private static final float R4 = -0.28673243f;
    private static final float R3 = 0.30347913f;
    private static final float R2 = 0.05400207f;
    private static final float R1 = 0.11729256f;

    private GeluMath() {}

    /**
     * {@code y = x P(x)}, where P is the probability that a standard normal variable is below x, to 1e-7 or one of its last bits. For
     * |x| the tail is {@code e^(-x^2 / 2) R(t)} with {@code t = 1 / (1 + 0.2775 |x|)} and R a polynomial without constant term (the form
     * of Abramowitz and Stegun, 7.1.26), fitted so that |x| times the tail is off by 9e-9 at most.
     *
     * @param xFrom the byte of x to begin with
     * @param yFrom that of y
     * @param count of elements, whole vectors; memory after them is left alone
     */
    static void values(MemorySegment x, long xFrom, MemorySegment y, long yFrom, int count) {
        FloatVector one = FloatVector.broadcast(F, 1f);
        for (int i = 0; i < count; i += LANES) {
            long at = (long) i * Float.BYTES;
            FloatVector v = FloatVector.fromMemorySegment(F, x, xFrom + at, NATIVE);
            FloatVector power = v.mul(v).mul(FloatVector.broadcast(F, BELL));
            power = power.blend(LEAST, power.compare(VectorOperators.LT, LEAST));
            FloatVector shifted = power.add(ROUND);
            FloatVector f = power.sub(shifted.sub(ROUND));
            FloatVector p = f.fma(FloatVector.broadcast(F, P5), FloatVector.broadcast(F, P4));
            p = p.fma(f, FloatVector.broadcast(F, P3));
            p = p.fma(f, FloatVector.broadcast(F, P2));
            p = p.fma(f, FloatVector.broadcast(F, P1));
            p = p.fma(f, one);
            FloatVector bell = shifted.reinterpretAsInts()
                    .lanewise(VectorOperators.LSHL, EXPONENT_SHIFT)
                    .add(p.reinterpretAsInts())
                    .reinterpretAsFloats();
            FloatVector t = one.div(v.abs().fma(FloatVector.broadcast(F, TAIL_SCALE), one));
            FloatVector tail = t.fma(FloatVector.broadcast(F, R6), FloatVector.broadcast(F, R5));
            tail = tail.fma(t, FloatVector.broadcast(F, R4));
            tail = tail.fma(t, FloatVector.broadcast(F, R3));
            tail = tail.fma(t, FloatVector.broadcast(F, R2));
            tail = tail.fma(t, FloatVector.broadcast(F, R1));
            tail = tail.mul(t).mul(bell);
            FloatVector below = tail.blend(one.sub(tail), v.compare(VectorOperators.GE, 0f));
            v.mul(below).intoMemorySegment(y, yFrom + at, NATIVE);
        }
    }

    /**
     * {@link #values} again and its gradient, {@code dx = dy (P(x) + x e^(-x^2 / 2) / sqrt(2 pi))}, which is added to {@code sums} too.
     *
     * @param xFrom the byte of x to begin with
     * @param yFrom that of y
     * @param dFrom that of dy and dx, which may be one
     * @param sums an element for each
     * @param count of elements, whole vectors
     */
    static void gradients(
            MemorySegment x, long xFrom, MemorySegment y, long yFrom, MemorySegment dy, MemorySegment dx, long dFrom,
            float[] sums, int count) {
        FloatVector one = FloatVector.broadcast(F, 1f);
        for (int i = 0; i < count; i += LANES) {
            long at = (long) i * Float.BYTES;
            FloatVector v = FloatVector.fromMemorySegment(F, x, xFrom + at, NATIVE);
            FloatVector power = v.mul(v).mul(FloatVector.broadcast(F, BELL));
            power = power.blend(LEAST, power.compare(VectorOperators.LT, LEAST));
            FloatVector shifted = power.add(ROUND);
            FloatVector f = power.sub(shifted.sub(ROUND));
            FloatVector p = f.fma(FloatVector.broadcast(F, P5), FloatVector.broadcast(F, P4));
            p = p.fma(f, FloatVector.broadcast(F, P3));
            p = p.fma(f, FloatVector.broadcast(F, P2));
            p = p.fma(f, FloatVector.broadcast(F, P1));
            p = p.fma(f, one);
            FloatVector bell = shifted.reinterpretAsInts()
                    .lanewise(VectorOperators.LSHL, EXPONENT_SHIFT)
                    .add(p.reinterpretAsInts())
                    .reinterpretAsFloats();
            FloatVector t = one.div(v.abs().fma(FloatVector.broadcast(F, TAIL_SCALE), one));
            FloatVector tail = t.fma(FloatVector.broadcast(F, R6), FloatVector.broadcast(F, R5));
            tail = tail.fma(t, FloatVector.broadcast(F, R4));
            tail = tail.fma(t, FloatVector.broadcast(F, R3));
            tail = tail.fma(t, FloatVector.broadcast(F, R2));
            tail = tail.fma(t, FloatVector.broadcast(F, R1));
            tail = tail.mul(t).mul(bell);
            FloatVector below = tail.blend(one.sub(tail), v.compare(VectorOperators.GE, 0f));
            v.mul(below).intoMemorySegment(y, yFrom + at, NATIVE);
            FloatVector slope = v.fma(bell.mul(INVERSE_SQRT_TWO_PI), below);
            FloatVector gradient = FloatVector.fromMemorySegment(F, dy, dFrom + at, NATIVE).mul(slope);
            gradient.intoMemorySegment(dx, dFrom + at, NATIVE);
            gradient.add(FloatVector.fromArray(F, sums, i)).intoArray(sums, i);
        }
    }
}
