package io.culvert.ops.gelu;

import static io.culvert.device.cpu.Simd.F;
import static io.culvert.device.cpu.Simd.LANES;

import io.culvert.device.cpu.Simd;
import io.culvert.device.cpu.SimdMath;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** A run of inputs short enough for the innermost cache, and what GELU and its slope are made of. One for each worker. */
public final class GeluRun {
    private final float[] x;
    private final float[] value;
    private final float[] slope;

    public GeluRun(int most) {
        int padded = Simd.bound(most + LANES - 1);
        x = new float[padded];
        value = new float[padded];
        slope = new float[padded];
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
        SimdMath.gelu(value, slope, x, count);
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
        SimdMath.gelu(value, slope, x, count);
    }

    /** {@code y = x Phi(x)}. */
    public void storeValues(MemorySegment y, long base, int count) {
        int i = 0;
        for (; i + LANES <= count; i += LANES) {
            Simd.store(FloatVector.fromArray(F, value, i), y, base + i);
        }
        for (; i < count; i++) {
            Simd.set(y, base + i, value[i]);
        }
    }

    /** {@code dx = dy (Phi(x) + x phi(x))}. */
    public void storeGradients(MemorySegment dx, MemorySegment dy, long base, int count) {
        int i = 0;
        for (; i + LANES <= count; i += LANES) {
            Simd.store(Simd.load(dy, base + i).mul(FloatVector.fromArray(F, slope, i)), dx, base + i);
        }
        for (; i < count; i++) {
            Simd.set(dx, base + i, Simd.get(dy, base + i) * slope[i]);
        }
    }
}
