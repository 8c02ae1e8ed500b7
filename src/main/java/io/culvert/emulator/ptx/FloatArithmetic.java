package io.culvert.emulator.ptx;

import static io.culvert.emulator.ptx.FloatMath.bits;
import static java.lang.Float.intBitsToFloat;

/** f32: add, sub, mul, fma, mad, div, abs, neg, min, max, copysign, testp. */
final class FloatArithmetic {
    private FloatArithmetic() {}

    static Action decode(Decoding x) {
        Modifiers m = x.modifiers;
        x.instructionClass = InstructionClass.FP32;
        if (m.base.equals("testp")) {
            return testp(x);
        }
        boolean ftz = m.take("ftz");
        boolean sat = m.take("sat");
        boolean nan = m.take("NaN");
        boolean loose = m.base.equals("div") && (m.take("approx") || m.take("full"));
        Rounding rounding = Rounding.of(m);
        if (m.type() != ScalarType.F32) {
            throw m.unsupported();
        }
        boolean minMax = m.base.equals("min") || m.base.equals("max");
        if (nan && !minMax) {
            throw m.unsupported();
        }
        int to = x.destination(0, ScalarType.F32);
        int a = x.intSource(1, ScalarType.F32);
        int arity =
                m.base.equals("fma") || m.base.equals("mad") ? 3 : m.base.equals("abs") || m.base.equals("neg") ? 1 : 2;
        x.expectOperands(1 + arity);
        int b = arity > 1 ? x.intSource(2, ScalarType.F32) : a;
        int c = arity > 2 ? x.intSource(3, ScalarType.F32) : a;
        if (!ftz && !sat && (rounding == Rounding.NEAREST_EVEN || loose) && !nan) {
            return usual(x, to, a, b, c);
        }
        FloatMath.Function function = function(x, rounding, nan);
        if (sat) {
            FloatMath.Function unbounded = function;
            function = (p, q, s) -> FloatMath.saturate(unbounded.apply(p, q, s));
        }
        FloatMath.Function applied = function;
        return ftz
                ? IntLoops.ternary(to, a, b, c, (p, q, s) -> FloatMath.flushed(applied, p, q, s))
                : IntLoops.ternary(
                        to,
                        a,
                        b,
                        c,
                        (p, q, s) -> bits(applied.apply(intBitsToFloat(p), intBitsToFloat(q), intBitsToFloat(s))));
    }

    /** The forms without modifiers, each with a loop of its own. */
    private static Action usual(Decoding x, int to, int a, int b, int c) {
        return switch (x.modifiers.base) {
            case "add" -> IntLoops.binary(to, a, b, (p, q) -> bits(intBitsToFloat(p) + intBitsToFloat(q)));
            case "sub" -> IntLoops.binary(to, a, b, (p, q) -> bits(intBitsToFloat(p) - intBitsToFloat(q)));
            case "mul" -> IntLoops.binary(to, a, b, (p, q) -> bits(intBitsToFloat(p) * intBitsToFloat(q)));
            case "div" -> IntLoops.binary(to, a, b, (p, q) -> bits(intBitsToFloat(p) / intBitsToFloat(q)));
            case "fma", "mad" ->
                IntLoops.ternary(
                        to,
                        a,
                        b,
                        c,
                        (p, q, s) -> bits(Math.fma(intBitsToFloat(p), intBitsToFloat(q), intBitsToFloat(s))));
            case "min" ->
                IntLoops.binary(to, a, b, (p, q) -> bits(FloatMath.min(intBitsToFloat(p), intBitsToFloat(q), false)));
            case "max" ->
                IntLoops.binary(to, a, b, (p, q) -> bits(FloatMath.max(intBitsToFloat(p), intBitsToFloat(q), false)));
            case "abs" -> IntLoops.unary(to, a, p -> p & 0x7fffffff);
            case "neg" -> IntLoops.unary(to, a, p -> p ^ 0x80000000);
            case "copysign" -> IntLoops.binary(to, a, b, (p, q) -> q & 0x7fffffff | p & 0x80000000);
            default -> throw x.modifiers.unsupported();
        };
    }

    private static FloatMath.Function function(Decoding x, Rounding mode, boolean nan) {
        return switch (x.modifiers.base) {
            case "add" -> mode == Rounding.NEAREST_EVEN ? (a, b, c) -> a + b : (a, b, c) -> FloatMath.sum(a, b, mode);
            case "sub" -> mode == Rounding.NEAREST_EVEN ? (a, b, c) -> a - b : (a, b, c) -> FloatMath.sum(a, -b, mode);
            case "mul" -> mode == Rounding.NEAREST_EVEN ? (a, b, c) -> a * b : (a, b, c) -> product(a, b, mode);
            case "div" -> (a, b, c) -> FloatMath.divide(a, b, mode);
            case "fma", "mad" -> (a, b, c) -> FloatMath.fma(a, b, c, mode);
            case "min" -> (a, b, c) -> FloatMath.min(a, b, nan);
            case "max" -> (a, b, c) -> FloatMath.max(a, b, nan);
            case "abs" -> (a, b, c) -> Math.abs(a);
            case "neg" -> (a, b, c) -> -a;
            default -> throw x.modifiers.unsupported();
        };
    }

    private static float product(float a, float b, Rounding mode) {
        double exact = (double) a * b;
        return exact == 0 ? (float) exact : FloatMath.sum(exact, exact < 0 ? -0.0 : 0.0, mode);
    }

    private static Action testp(Decoding x) {
        String test = x.modifiers.next();
        if (x.modifiers.type() != ScalarType.F32) {
            throw x.modifiers.unsupported();
        }
        x.expectOperands(2);
        int to = x.predicate(x.operand(0));
        int a = x.intSource(1, ScalarType.F32);
        PredicateLoops.IntTest is = switch (test) {
            case "finite" -> (p, q) -> (p & 0x7f800000) != 0x7f800000;
            case "infinite" -> (p, q) -> (p & 0x7fffffff) == 0x7f800000;
            case "number" -> (p, q) -> (p & 0x7fffffff) <= 0x7f800000;
            case "notanumber" -> (p, q) -> (p & 0x7fffffff) > 0x7f800000;
            case "normal" -> (p, q) -> (p & 0x7f800000) != 0 && (p & 0x7f800000) != 0x7f800000;
            case "subnormal" -> (p, q) -> (p & 0x7f800000) == 0 && (p & 0x7fffff) != 0;
            default -> throw x.modifiers.unsupported();
        };
        return PredicateLoops.ints(to, a, a, is);
    }
}
