package io.culvert.device.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** Float vectors over off-heap memory, indexed by element: what our CPU kernels are written in. */
public final class Simd {
    public static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    public static final int LANES = F.length();
    public static final ByteOrder NATIVE = ByteOrder.nativeOrder();

    private Simd() {}

    public static FloatVector load(MemorySegment segment, long index) {
        return FloatVector.fromMemorySegment(F, segment, index * Float.BYTES, NATIVE);
    }

    public static void store(FloatVector vector, MemorySegment segment, long index) {
        vector.intoMemorySegment(segment, index * Float.BYTES, NATIVE);
    }

    public static float get(MemorySegment segment, long index) {
        return segment.get(ValueLayout.JAVA_FLOAT, index * Float.BYTES);
    }

    public static void set(MemorySegment segment, long index, float value) {
        segment.set(ValueLayout.JAVA_FLOAT, index * Float.BYTES, value);
    }

    /** Multiplies so many elements from {@code from} on. */
    public static void scale(MemorySegment values, long from, int count, float factor) {
        int i = 0;
        for (; i + LANES <= count; i += LANES) {
            store(load(values, from + i).mul(factor), values, from + i);
        }
        for (; i < count; i++) {
            set(values, from + i, get(values, from + i) * factor);
        }
    }

    /**
     * The sum of the lanes, first to last. The Vector API's own reduction may add in any order, and does so differently
     * before and after compilation: a resumed run would not repeat bit for bit.
     */
    public static double sum(FloatVector vector, float[] scratch) {
        vector.intoArray(scratch, 0);
        double sum = 0;
        for (float lane : scratch) {
            sum += lane;
        }
        return sum;
    }

    /** The largest multiple of the vector length that is at most {@code count}. */
    public static int bound(int count) {
        return count - count % LANES;
    }
}
