package io.culvert.safetensors;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A tensor of a file: its bytes are row-major, little-endian, and in a file that was mapped they are the file's own
 * pages, at no particular alignment.
 *
 * @param shape sizes, outermost first; empty for a scalar
 * @param data exactly {@link #count()} elements, off the heap
 */
public record StoredTensor(String name, StoredType type, List<Long> shape, MemorySegment data) {
    public StoredTensor {
        shape = List.copyOf(shape);
        long bytes = count(shape) * type.bytes;
        if (data.byteSize() != bytes) {
            throw new IllegalArgumentException(
                    "%s %s%s needs %d bytes, got %d".formatted(name, type, shape, bytes, data.byteSize()));
        }
    }

    /** An F32 tensor with a copy of {@code values}. */
    public static StoredTensor floats(Arena arena, String name, List<Long> shape, float... values) {
        return new StoredTensor(name, StoredType.F32, shape, arena.allocateFrom(JAVA_FLOAT, values));
    }

    /** An I64 tensor with a copy of {@code values}. */
    public static StoredTensor longs(Arena arena, String name, List<Long> shape, long... values) {
        return new StoredTensor(name, StoredType.I64, shape, arena.allocateFrom(JAVA_LONG, values));
    }

    /** Number of elements. */
    public long count() {
        return count(shape);
    }

    private static long count(List<Long> shape) {
        return shape.stream().reduce(1L, Math::multiplyExact);
    }

    /** Element {@code i} in row-major order as a double: exact for all types but I64 beyond 2^53. */
    public double get(long i) {
        return switch (type) {
            case F64 -> data.get(JAVA_DOUBLE_UNALIGNED, i * 8);
            case F32 -> data.get(JAVA_FLOAT_UNALIGNED, i * 4);
            case F16 -> Float.float16ToFloat(data.get(JAVA_SHORT_UNALIGNED, i * 2));
            case BF16 -> Float.intBitsToFloat(data.get(JAVA_SHORT_UNALIGNED, i * 2) << 16);
            case I64 -> data.get(JAVA_LONG_UNALIGNED, i * 8);
            case I32 -> data.get(JAVA_INT_UNALIGNED, i * 4);
            case I16 -> data.get(JAVA_SHORT_UNALIGNED, i * 2);
            case I8 -> data.get(JAVA_BYTE, i);
            case U8, BOOL -> data.get(JAVA_BYTE, i) & 0xff;
        };
    }

    /** All elements as doubles. */
    public double[] toDoubles() {
        double[] values = new double[Math.toIntExact(count())];
        for (int i = 0; i < values.length; i++) {
            values[i] = get(i);
        }
        return values;
    }

    /** All elements as floats, rounded to nearest. */
    public float[] toFloats() {
        if (type == StoredType.F32) {
            return data.toArray(JAVA_FLOAT_UNALIGNED);
        }
        float[] values = new float[Math.toIntExact(count())];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) get(i);
        }
        return values;
    }

    /** All elements of an I64 tensor. */
    public long[] toLongs() {
        if (type != StoredType.I64) {
            throw new IllegalStateException(name + " is " + type + ", not I64");
        }
        return data.toArray(JAVA_LONG_UNALIGNED);
    }
}
