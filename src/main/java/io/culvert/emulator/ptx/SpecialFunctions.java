package io.culvert.emulator.ptx;

import static java.lang.Float.intBitsToFloat;

import java.math.BigDecimal;

/**
 * rcp, sqrt, rsqrt, ex2, lg2, sin, cos, tanh. The approximate forms are worked out in double and rounded, so they are
 * more exact than a GPU's: PTX only bounds their error.
 */
final class SpecialFunctions {
    private static final double LN2 = Math.log(2);

    private SpecialFunctions() {}

    static Action decode(Decoding x) {
        Modifiers m = x.modifiers;
        x.instructionClass = InstructionClass.SPECIAL;
        boolean approx = m.take("approx");
        boolean ftz = m.take("ftz");
        Rounding mode = Rounding.of(m);
        ScalarType type = m.type();
        x.expectOperands(2);
        if (type == ScalarType.F64) {
            return doubles(x, approx, mode);
        }
        if (type != ScalarType.F32) {
            return HalfArithmetic.special(x, type, real(m, mode));
        }
        FloatMath.Function function = real(m, mode);
        int to = x.destination(0, type);
        int a = x.intSource(1, type);
        return ftz
                ? IntLoops.unary(to, a, p -> FloatMath.flushed(function, p, 0, 0))
                : IntLoops.unary(to, a, p -> FloatMath.bits(function.apply(intBitsToFloat(p), 0, 0)));
    }

    private static FloatMath.Function real(Modifiers m, Rounding mode) {
        return switch (m.base) {
            case "rcp" -> (a, b, c) -> FloatMath.divide(1, a, mode);
            case "sqrt" -> (a, b, c) -> FloatMath.squareRoot(a, mode);
            case "rsqrt" -> (a, b, c) -> (float) (1 / Math.sqrt(a));
            case "ex2" -> (a, b, c) -> (float) Math.pow(2, a);
            case "lg2" -> (a, b, c) -> log2(a);
            case "sin" -> (a, b, c) -> (float) Math.sin(a);
            case "cos" -> (a, b, c) -> (float) Math.cos(a);
            case "tanh" -> (a, b, c) -> (float) Math.tanh(a);
            default -> throw m.unsupported();
        };
    }

    /** Exact at powers of two, where a quotient of logarithms need not be. */
    private static float log2(float a) {
        int exponent = Math.getExponent(a);
        return a > 0 && exponent <= Float.MAX_EXPONENT && a == Math.scalb(1f, exponent)
                ? exponent
                : (float) (Math.log(a) / LN2);
    }

    private static Action doubles(Decoding x, boolean approx, Rounding mode) {
        int to = x.destination(0, ScalarType.F64);
        int a = x.longSource(1, ScalarType.F64);
        // The approximate forms give the upper 32 bits and leave the lower ones zero.
        long keep = approx ? -1L << 32 : -1L;
        if (mode != Rounding.NEAREST_EVEN) {
            return switch (x.modifiers.base) {
                case "rcp" -> LongLoops.unary(to, a, p -> bits(reciprocal(Double.longBitsToDouble(p), mode)));
                case "sqrt" -> LongLoops.unary(to, a, p -> bits(squareRoot(Double.longBitsToDouble(p), mode)));
                default -> throw x.modifiers.unsupported();
            };
        }
        return switch (x.modifiers.base) {
            case "rcp" -> LongLoops.unary(to, a, p -> bits(1 / Double.longBitsToDouble(p)) & keep);
            case "sqrt" -> LongLoops.unary(to, a, p -> bits(Math.sqrt(Double.longBitsToDouble(p))));
            case "rsqrt" -> LongLoops.unary(to, a, p -> bits(1 / Math.sqrt(Double.longBitsToDouble(p))) & keep);
            default -> throw x.modifiers.unsupported();
        };
    }

    private static double reciprocal(double a, Rounding mode) {
        double nearest = 1 / a;
        if (Double.isNaN(a) || Double.isInfinite(a) || a == 0) {
            return nearest;
        }
        if (Double.isInfinite(nearest)) {
            return mode.adjust(nearest, nearest > 0 ? -1 : 1);
        }
        int order = BigDecimal.ONE.compareTo(new BigDecimal(nearest).multiply(new BigDecimal(a)));
        return mode.adjust(nearest, a < 0 ? -order : order);
    }

    private static double squareRoot(double a, Rounding mode) {
        double nearest = Math.sqrt(a);
        if (!(nearest > 0) || Double.isInfinite(nearest)) {
            return nearest;
        }
        BigDecimal root = new BigDecimal(nearest);
        return mode.adjust(nearest, new BigDecimal(a).compareTo(root.multiply(root)));
    }

    private static long bits(double value) {
        return Double.doubleToRawLongBits(value);
    }
}
