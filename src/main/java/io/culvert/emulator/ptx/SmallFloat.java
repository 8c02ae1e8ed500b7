package io.culvert.emulator.ptx;

/** f16 and bf16: values as double, which holds them exactly, and back with any rounding. */
enum SmallFloat {
    F16(5, 10),
    BF16(8, 7);

    static final int NAN = 0x7fff;

    private final int mantissaBits;
    private final int bias;
    private final int infinity;

    SmallFloat(int exponentBits, int mantissaBits) {
        this.mantissaBits = mantissaBits;
        bias = (1 << exponentBits - 1) - 1;
        infinity = (1 << exponentBits) - 1 << mantissaBits;
    }

    static SmallFloat of(ScalarType type) {
        return type == ScalarType.F16 || type == ScalarType.F16X2 ? F16 : BF16;
    }

    /** The value of the lower 16 bits. */
    double decode(int bits) {
        return this == F16 ? Float.float16ToFloat((short) bits) : Float.intBitsToFloat(bits << 16);
    }

    int encode(double value, Rounding rounding) {
        if (Double.isNaN(value)) {
            return NAN;
        }
        int sign = Double.doubleToRawLongBits(value) < 0 ? 0x8000 : 0;
        double size = Math.abs(value);
        if (Double.isInfinite(size)) {
            return sign | infinity;
        }
        int exponent = Math.max(Math.getExponent(size), 1 - bias);
        // In units of the last place; exact, being a scaling by a power of two.
        double units = Math.scalb(size, mantissaBits - exponent);
        boolean away = rounding == Rounding.UP && sign == 0 || rounding == Rounding.DOWN && sign != 0;
        long whole = (long)
                (rounding == Rounding.NEAREST_EVEN ? Math.rint(units) : away ? Math.ceil(units) : Math.floor(units));
        long bits = ((long) (exponent - 1 + bias) << mantissaBits) + whole;
        if (bits >= infinity) {
            return sign | (rounding == Rounding.NEAREST_EVEN || away ? infinity : infinity - 1);
        }
        return sign | (int) bits;
    }

    int encode(double value) {
        return encode(value, Rounding.NEAREST_EVEN);
    }

    /** A subnormal becomes a zero of its sign. */
    int flush(int bits) {
        return (bits & infinity) == 0 ? bits & 0x8000 : bits;
    }

    boolean isNan(int bits) {
        return (bits & 0x7fff) > infinity;
    }

    /**
     * a + b rounded to odd: where the sum is inexact, the neighbour with the last bit set. Rounding that once more to a
     * format of at most 51 bits gives what rounding the exact sum would.
     */
    static double oddSum(double a, double b) {
        double sum = a + b;
        if (!Double.isFinite(sum)) {
            return sum;
        }
        double part = sum - a;
        double error = a - (sum - part) + (b - part);
        boolean even = (Double.doubleToRawLongBits(sum) & 1) == 0;
        return error == 0 || !even ? sum : error > 0 ? Math.nextUp(sum) : Math.nextDown(sum);
    }
}
