package io.culvert.emulator.ptx;

import static java.lang.Double.doubleToRawLongBits;
import static java.lang.Double.longBitsToDouble;

import java.math.BigDecimal;

/** f64: add, sub, mul, fma, mad, div, abs, neg, min, max, copysign, testp. */
final class DoubleArithmetic {
    private interface Function {
        double apply(double a, double b, double c);
    }

    private interface Exact {
        BigDecimal apply(BigDecimal a, BigDecimal b, BigDecimal c);
    }

    private DoubleArithmetic() {}

    static Action decode(Decoding x) {
        Modifiers m = x.modifiers;
        x.instructionClass = InstructionClass.FP64;
        if (m.base.equals("testp")) {
            return testp(x);
        }
        Rounding mode = Rounding.of(m);
        if (m.type() != ScalarType.F64) {
            throw m.unsupported();
        }
        int to = x.destination(0, ScalarType.F64);
        int a = x.longSource(1, ScalarType.F64);
        int arity =
                m.base.equals("fma") || m.base.equals("mad") ? 3 : m.base.equals("abs") || m.base.equals("neg") ? 1 : 2;
        x.expectOperands(1 + arity);
        int b = arity > 1 ? x.longSource(2, ScalarType.F64) : a;
        int c = arity > 2 ? x.longSource(3, ScalarType.F64) : a;
        if (m.base.equals("abs")) {
            return LongLoops.unary(to, a, p -> p & Long.MAX_VALUE);
        }
        if (m.base.equals("neg")) {
            return LongLoops.unary(to, a, p -> p ^ Long.MIN_VALUE);
        }
        if (m.base.equals("copysign")) {
            return LongLoops.binary(to, a, b, (p, q) -> q & Long.MAX_VALUE | p & Long.MIN_VALUE);
        }
        Function nearest = switch (m.base) {
            case "add" -> (p, q, s) -> p + q;
            case "sub" -> (p, q, s) -> p - q;
            case "mul" -> (p, q, s) -> p * q;
            case "div" -> (p, q, s) -> p / q;
            case "fma", "mad" -> (p, q, s) -> Math.fma(p, q, s);
            case "min" -> (p, q, s) -> Double.isNaN(p) ? q : Double.isNaN(q) ? p : Math.min(p, q);
            case "max" -> (p, q, s) -> Double.isNaN(p) ? q : Double.isNaN(q) ? p : Math.max(p, q);
            default -> throw m.unsupported();
        };
        Function function = mode == Rounding.NEAREST_EVEN ? nearest : directed(x, nearest, mode);
        return LongLoops.ternary(
                to,
                a,
                b,
                c,
                (p, q, s) -> doubleToRawLongBits(
                        function.apply(longBitsToDouble(p), longBitsToDouble(q), longBitsToDouble(s))));
    }

    /** Corrects the nearest result by comparing it with the exact one: for a quotient both times the divisor. */
    private static Function directed(Decoding x, Function nearest, Rounding mode) {
        boolean quotient = x.modifiers.base.equals("div");
        Exact exact = switch (x.modifiers.base) {
            case "add" -> (p, q, s) -> p.add(q);
            case "sub" -> (p, q, s) -> p.subtract(q);
            case "mul" -> (p, q, s) -> p.multiply(q);
            case "div" -> (p, q, s) -> p;
            case "fma", "mad" -> (p, q, s) -> p.multiply(q).add(s);
            default -> throw x.modifiers.unsupported();
        };
        return (a, b, c) -> {
            double result = nearest.apply(a, b, c);
            if (!Double.isFinite(a) || !Double.isFinite(b) || !Double.isFinite(c) || quotient && b == 0) {
                return result;
            }
            if (Double.isInfinite(result)) {
                return mode.adjust(result, result > 0 ? -1 : 1);
            }
            BigDecimal divisor = quotient ? new BigDecimal(b) : BigDecimal.ONE;
            int order = exact.apply(new BigDecimal(a), new BigDecimal(b), new BigDecimal(c))
                    .compareTo(new BigDecimal(result).multiply(divisor));
            boolean cancelled = result == 0 && order == 0 && mode == Rounding.DOWN && !quotient;
            return cancelled && (a != 0 || c != 0) && !x.modifiers.base.equals("mul")
                    ? -0.0
                    : mode.adjust(result, divisor.signum() < 0 ? -order : order);
        };
    }

    private static Action testp(Decoding x) {
        String test = x.modifiers.next();
        if (x.modifiers.type() != ScalarType.F64) {
            throw x.modifiers.unsupported();
        }
        x.expectOperands(2);
        int a = x.longSource(1, ScalarType.F64);
        long infinity = Double.doubleToRawLongBits(Double.POSITIVE_INFINITY);
        PredicateLoops.LongTest is = switch (test) {
            case "finite" -> (p, q) -> (p & infinity) != infinity;
            case "infinite" -> (p, q) -> (p & Long.MAX_VALUE) == infinity;
            case "number" -> (p, q) -> (p & Long.MAX_VALUE) <= infinity;
            case "notanumber" -> (p, q) -> (p & Long.MAX_VALUE) > infinity;
            case "normal" -> (p, q) -> (p & infinity) != 0 && (p & infinity) != infinity;
            case "subnormal" -> (p, q) -> (p & infinity) == 0 && (p & Long.MAX_VALUE) != 0;
            default -> throw x.modifiers.unsupported();
        };
        return PredicateLoops.longs(x.predicate(x.operand(0)), a, a, is);
    }
}
