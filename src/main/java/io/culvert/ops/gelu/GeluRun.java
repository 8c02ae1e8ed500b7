package io.culvert.ops.gelu;

import static io.culvert.device.cpu.Simd.F;
import static io.culvert.device.cpu.Simd.LANES;

import io.culvert.device.cpu.Simd;
import io.culvert.device.cpu.SimdMath;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** A run of inputs short enough for the innermost cache, and what GELU and its slope are made of. One for each worker. */
public final class GeluRun {
    private static final float INVERSE_SQRT_TWO_PI = (float) (1 / Math.sqrt(2 * Math.PI));

    private final float[] x;
    private final float[] bell;
    private final float[] below;

    public GeluRun(int most) {
        int padded = Simd.bound(most + LANES - 1);
        x = new float[padded];
        bell = new float[padded];
        below = new float[padded];
    }

    /** Reads {@code count} inputs from {@code base} on, a bias added to each. */
    public void load(MemorySegment from, long base, MemorySegment bias, int count) {
        int i = 0;
        for (; i + LANES <= count; i += LANES) {
            Simd.load(from, base + i).add(Simd.load(bias, i)).intoArray(x, i);
        }
        for (; i < count; i++) {
            x[i] = Simd.get(from, base + i) + Simd.get(bias, i);
        }
        evaluate(count);
    }

    /** Reads {@code count} inputs from {@code base} on. */
    public void load(MemorySegment from, long base, int count) {
        int i = 0;
        for (; i + LANES <= count; i += LANES) {
            Simd.load(from, base + i).intoArray(x, i);
        }
        for (; i < count; i++) {
            x[i] = Simd.get(from, base + i);
        }
        evaluate(count);
    }

    private void evaluate(int count) {
        SimdMath.bell(bell, x, count);
        SimdMath.normalBelow(below, x, bell, count);
    }

    /** {@code y = x Phi(x)}. */
    public void storeValues(MemorySegment y, long base, int count) {
        int i = 0;
        for (; i + LANES <= count; i += LANES) {
            Simd.store(FloatVector.fromArray(F, x, i).mul(FloatVector.fromArray(F, below, i)), y, base + i);
        }
        for (; i < count; i++) {
            Simd.set(y, base + i, x[i] * below[i]);
        }
    }

    /** {@code dx = dy (Phi(x) + x phi(x))}. */
    public void storeGradients(MemorySegment dx, MemorySegment dy, long base, int count) {
        int i = 0;
        for (; i + LANES <= count; i += LANES) {
            FloatVector density = FloatVector.fromArray(F, bell, i).mul(INVERSE_SQRT_TWO_PI);
            FloatVector slope = FloatVector.fromArray(F, x, i).fma(density, FloatVector.fromArray(F, below, i));
            Simd.store(Simd.load(dy, base + i).mul(slope), dx, base + i);
        }
        for (; i < count; i++) {
            float slope = Math.fma(x[i], bell[i] * INVERSE_SQRT_TWO_PI, below[i]);
            Simd.set(dx, base + i, Simd.get(dy, base + i) * slope);
        }
    }
}
