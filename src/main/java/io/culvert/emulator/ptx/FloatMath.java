package io.culvert.emulator.ptx;

import static java.lang.Float.intBitsToFloat;

/** Single precision as PTX defines it, on bits: one NaN, subnormals flushed on demand, four rounding modes. */
final class FloatMath {
    static final int NAN = 0x7fffffff;

    /** A function of three floats, of which some take fewer. */
    interface Function {
        float apply(float a, float b, float c);
    }

    private FloatMath() {}

    static int bits(float x) {
        return Double.isNaN(x) ? NAN : Float.floatToRawIntBits(x);
    }

    /** A subnormal becomes a zero of its sign. */
    static int flush(int bits) {
        return (bits & 0x7f800000) == 0 ? bits & 0x80000000 : bits;
    }

    /** As .sat: into [0, 1], NaN to 0. */
    static float saturate(float x) {
        return x > 0 ? Math.min(x, 1) : 0;
    }

    /** a b + c, rounded once. */
    static float fma(float a, float b, float c, Rounding rounding) {
        if (rounding == Rounding.NEAREST_EVEN) {
            return Math.fma(a, b, c);
        }
        double product = (double) a * b;
        return sum(product, c, rounding);
    }

    /** The sum of two doubles, of which the first may be a product of floats, rounded once to float. */
    static float sum(double a, double b, Rounding rounding) {
        double sum = a + b;
        if (Double.isNaN(sum) || Double.isInfinite(sum)) {
            return (float) sum;
        }
        if (sum == 0) {
            boolean negative =
                    rounding == Rounding.DOWN ? 1 / a < 0 || 1 / b < 0 || a != 0 : a == 0 && 1 / a < 0 && 1 / b < 0;
            return negative ? -0f : 0f;
        }
        // Knuth's two-sum: the error of the sum, exactly.
        double part = sum - a;
        double error = a - (sum - part) + (b - part);
        float nearest = (float) sum;
        double off = sum - nearest;
        return rounding.adjust(nearest, (int) Math.signum(off != 0 ? off : error));
    }

    static float divide(float a, float b, Rounding rounding) {
        float nearest = a / b;
        if (rounding == Rounding.NEAREST_EVEN || b == 0 || Float.isInfinite(b) || Float.isInfinite(a) || Double.isNaN(a)) {
            return nearest;
        }
        if (Float.isInfinite(nearest) || Double.isNaN(b)) {
            return Double.isNaN(b) ? nearest : rounding.adjust(nearest, nearest > 0 ? -1 : 1);
        }
        int order = Double.compare(a, (double) nearest * b + 0.0);
        boolean exact = a == (double) nearest * b;
        return exact ? nearest : rounding.adjust(nearest, b < 0 ? -order : order);
    }

    static float squareRoot(float a, Rounding rounding) {
        float nearest = (float) Math.sqrt(a);
        if (rounding == Rounding.NEAREST_EVEN || !(nearest > 0) || Float.isInfinite(nearest)) {
            return nearest;
        }
        return rounding.adjust(nearest, Double.compare(a, (double) nearest * nearest));
    }

    /** The smaller one; of a number and NaN the number, or NaN if {@code nan}. */
    static float min(float a, float b, boolean nan) {
        return Double.isNaN(a) ? nan ? a : b : Double.isNaN(b) ? nan ? b : a : Math.min(a, b);
    }

    static float max(float a, float b, boolean nan) {
        return Double.isNaN(a) ? nan ? a : b : Double.isNaN(b) ? nan ? b : a : Math.max(a, b);
    }

    /** Applies a function to bits, flushing operands and result. */
    static int flushed(Function function, int a, int b, int c) {
        float result = function.apply(intBitsToFloat(flush(a)), intBitsToFloat(flush(b)), intBitsToFloat(flush(c)));
        return flush(bits(result));
    }
}
