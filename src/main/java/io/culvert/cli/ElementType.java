package io.culvert.cli;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.culvert.CulvertException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Locale;
import java.util.SplittableRandom;

/** What the elements of a kernel's argument are. Little-endian, as GPUs are. */
enum ElementType {
    U8(1),
    I8(1),
    U16(2),
    I16(2),
    U32(4),
    I32(4),
    U64(8),
    I64(8),
    F16(2),
    BF16(2),
    F32(4),
    F64(8);

    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Integers drawn by chance stay below this, so that they fit every type. */
    private static final int RANDOM_INTEGERS = 128;

    final int bytes;

    ElementType(int bytes) {
        this.bytes = bytes;
    }

    /** The type of that name in lower case, or null. */
    static ElementType named(String name) {
        return Arrays.stream(values())
                .filter(type -> type.toString().equals(name))
                .findFirst()
                .orElse(null);
    }

    boolean real() {
        return compareTo(F16) >= 0;
    }

    /** The bits of a number as the user wrote it: decimal, and for integers {@code 0x} with all bits too. */
    long bits(String number) {
        try {
            return real() ? bits(Double.parseDouble(number)) : integer(number);
        } catch (NumberFormatException e) {
            throw CulvertException.usage("'%s' is no %s", number, this);
        }
    }

    private long integer(String number) {
        boolean hex = number.startsWith("0x");
        BigInteger value = hex ? new BigInteger(number.substring(2), 16) : new BigInteger(number);
        boolean signed = name().startsWith("I");
        int width = bytes * Byte.SIZE;
        BigInteger end = BigInteger.ONE.shiftLeft(signed && !hex ? width - 1 : width);
        BigInteger first = signed ? end.negate() : BigInteger.ZERO;
        if (value.compareTo(first) < 0 || value.compareTo(end) >= 0) {
            throw new NumberFormatException();
        }
        return value.longValue();
    }

    /** The bits of {@code value}, rounded to nearest even. */
    long bits(double value) {
        return switch (this) {
            case F16 -> Float.floatToFloat16((float) value) & 0xffffL;
            case BF16 -> bf16((float) value);
            case F32 -> Float.floatToRawIntBits((float) value) & 0xffffffffL;
            case F64 -> Double.doubleToRawLongBits(value);
            default -> (long) value;
        };
    }

    private static long bf16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return 0x7fff;
        }
        int rounded = bits + 0x7fff + (bits >>> 16 & 1);
        return Integer.toUnsignedLong(rounded >>> 16);
    }

    /** Real numbers in [-1, 1), integers in [0, 128). */
    long random(SplittableRandom from) {
        return real() ? bits(from.nextDouble() * 2 - 1) : from.nextInt(RANDOM_INTEGERS);
    }

    void set(MemorySegment to, long index, long bits) {
        switch (bytes) {
            case 1 -> to.set(JAVA_BYTE, index, (byte) bits);
            case 2 -> to.set(SHORT, 2 * index, (short) bits);
            case 4 -> to.set(INT, 4 * index, (int) bits);
            default -> to.set(LONG, 8 * index, bits);
        }
    }

    /** Element {@code index} as text. */
    String text(MemorySegment from, long index) {
        return switch (this) {
            case U8 -> Integer.toString(Byte.toUnsignedInt(from.get(JAVA_BYTE, index)));
            case I8 -> Byte.toString(from.get(JAVA_BYTE, index));
            case U16 -> Integer.toString(Short.toUnsignedInt(from.get(SHORT, 2 * index)));
            case I16 -> Short.toString(from.get(SHORT, 2 * index));
            case U32 -> Integer.toUnsignedString(from.get(INT, 4 * index));
            case I32 -> Integer.toString(from.get(INT, 4 * index));
            case U64 -> Long.toUnsignedString(from.get(LONG, 8 * index));
            case I64 -> Long.toString(from.get(LONG, 8 * index));
            case F16 -> Float.toString(Float.float16ToFloat(from.get(SHORT, 2 * index)));
            case BF16 -> Float.toString(Float.intBitsToFloat(from.get(SHORT, 2 * index) << 16));
            case F32 -> Float.toString(Float.intBitsToFloat(from.get(INT, 4 * index)));
            case F64 -> Double.toString(Double.longBitsToDouble(from.get(LONG, 8 * index)));
        };
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
