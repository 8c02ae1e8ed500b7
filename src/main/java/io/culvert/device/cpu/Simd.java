package io.culvert.device.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vectors that our CPU kernels are written in, over off-heap memory. The kernels load and store them by the Vector API's own methods: ours would
 * not be inlined where much else was before, and their vectors then be objects on the heap. Floats become vectors of doubles where single precision is
 * too coarse to compute in.
 */
public final class Simd {
    public static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    public static final int LANES = F.length();
    /** Half as many floats, or the two of the smallest vector. */
    private static final VectorSpecies<Float> NARROW =
            VectorSpecies.of(float.class, VectorShape.forBitSize(Math.max(F.vectorBitSize() / 2, 64)));

    public static final VectorSpecies<Double> D =
            VectorSpecies.of(double.class, VectorShape.forBitSize(2 * NARROW.vectorBitSize()));
    public static final int DOUBLES = D.length();

    /** Of a float; long, for a tensor may have more bytes than an int counts. */
    public static final long BYTES = Float.BYTES;

    public static final ByteOrder NATIVE = ByteOrder.nativeOrder();

    private static final VectorShuffle<Float> BY_8 = VectorShuffle.iota(F, 8, 1, true);
    private static final VectorShuffle<Float> BY_4 = VectorShuffle.iota(F, 4, 1, true);
    private static final VectorShuffle<Float> BY_2 = VectorShuffle.iota(F, 2, 1, true);
    private static final VectorShuffle<Float> BY_1 = VectorShuffle.iota(F, 1, 1, true);

    private Simd() {}

    /** Floats as doubles. */
    public static DoubleVector doubles(MemorySegment segment, long index) {
        return (DoubleVector) FloatVector.fromMemorySegment(NARROW, segment, index * Float.BYTES, NATIVE).castShape(D, 0);
    }

    /** Floats as doubles. */
    public static DoubleVector doubles(float[] values, int index) {
        return (DoubleVector) FloatVector.fromArray(NARROW, values, index).castShape(D, 0);
    }

    /** As floats. */
    public static void store(DoubleVector vector, MemorySegment segment, long index) {
        ((FloatVector) vector.castShape(NARROW, 0)).intoMemorySegment(segment, index * Float.BYTES, NATIVE);
    }

    /** As floats. */
    public static void store(DoubleVector vector, float[] values, int index) {
        ((FloatVector) vector.castShape(NARROW, 0)).intoArray(values, index);
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
            FloatVector v = FloatVector.fromMemorySegment(F, values, (from + i) * BYTES, NATIVE);
            v.mul(factor).intoMemorySegment(values, (from + i) * BYTES, NATIVE);
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

    /** As the other. */
    public static double sum(DoubleVector vector, double[] scratch) {
        vector.intoArray(scratch, 0);
        double sum = 0;
        for (double lane : scratch) {
            sum += lane;
        }
        return sum;
    }

    /**
     * The sum of a vector's lanes that lie in an array, by halves: in a fixed order too, and faster.
     */
    public static float sum(float[] lanes, int first) {
        FloatVector sum = FloatVector.fromArray(F, lanes, first);
        if (LANES > 8) {
            sum = sum.add(sum.rearrange(BY_8));
        }
        if (LANES > 4) {
            sum = sum.add(sum.rearrange(BY_4));
        }
        sum = sum.add(sum.rearrange(BY_2));
        return sum.add(sum.rearrange(BY_1)).lane(0);
    }

    /** The largest multiple of the vector length that is at most {@code count}. */
    public static int bound(int count) {
        return count - count % LANES;
    }
}
