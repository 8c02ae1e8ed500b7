package io.culvert.emulator.ptx;

/** f16, bf16 and their pairs: add, sub, mul, fma, abs, neg, min, max; ex2 and tanh. */
final class HalfArithmetic {
    /** On 16-bit patterns. */
    private interface Function {
        int apply(int a, int b, int c);
    }

    private HalfArithmetic() {}

    static Action decode(Decoding x) {
        Modifiers m = x.modifiers;
        x.instructionClass = InstructionClass.HALF;
        boolean rounded = m.take("rn");
        boolean ftz = m.take("ftz");
        boolean sat = m.take("sat");
        boolean relu = m.take("relu");
        boolean nan = m.take("NaN");
        ScalarType type = m.type();
        SmallFloat format = SmallFloat.of(type);
        int arity = m.base.equals("fma") ? 3 : m.base.equals("abs") || m.base.equals("neg") ? 1 : 2;
        boolean minMax = m.base.equals("min") || m.base.equals("max");
        if (nan && !minMax
                || rounded && (minMax || arity == 1)
                || relu && arity != 3
                || ftz && format == SmallFloat.BF16) {
            throw m.unsupported();
        }
        x.expectOperands(1 + arity);
        Function plain = function(m, format, nan);
        Function flushed =
                ftz ? (a, b, c) -> format.flush(plain.apply(format.flush(a), format.flush(b), format.flush(c))) : plain;
        Function bounded = sat
                ? (a, b, c) -> saturate(format, flushed.apply(a, b, c))
                : relu ? (a, b, c) -> relu(format, flushed.apply(a, b, c)) : flushed;
        int a = x.intSource(1, type);
        return loop(
                type,
                x.destination(0, type),
                a,
                arity > 1 ? x.intSource(2, type) : a,
                arity > 2 ? x.intSource(3, type) : a,
                bounded);
    }

    private static Action loop(ScalarType type, int to, int a, int b, int c, Function function) {
        return type.packed()
                ? IntLoops.ternary(
                        to,
                        a,
                        b,
                        c,
                        (p, q, s) -> function.apply(p & 0xffff, q & 0xffff, s & 0xffff)
                                | function.apply(p >>> 16, q >>> 16, s >>> 16) << 16)
                : IntLoops.ternary(to, a, b, c, (p, q, s) -> function.apply(p & 0xffff, q & 0xffff, s & 0xffff));
    }

    private static int saturate(SmallFloat format, int bits) {
        double value = format.decode(bits);
        return value > 0 ? format.encode(Math.min(value, 1)) : 0;
    }

    private static int relu(SmallFloat format, int bits) {
        return format.isNan(bits) ? SmallFloat.NAN : (bits & 0x8000) != 0 ? 0 : bits;
    }

    private static Function function(Modifiers m, SmallFloat format, boolean nan) {
        return switch (m.base) {
            case "add" -> (a, b, c) -> format.encode(SmallFloat.oddSum(format.decode(a), format.decode(b)));
            case "sub" -> (a, b, c) -> format.encode(SmallFloat.oddSum(format.decode(a), -format.decode(b)));
            case "mul" -> (a, b, c) -> format.encode(format.decode(a) * format.decode(b));
            case "fma" ->
                (a, b, c) -> format.encode(SmallFloat.oddSum(format.decode(a) * format.decode(b), format.decode(c)));
            case "abs" -> (a, b, c) -> a & 0x7fff;
            case "neg" -> (a, b, c) -> a ^ 0x8000;
            case "min" -> (a, b, c) -> choose(format, a, b, nan, true);
            case "max" -> (a, b, c) -> choose(format, a, b, nan, false);
            default -> throw m.unsupported();
        };
    }

    static int choose(SmallFloat format, int a, int b, boolean nan, boolean smaller) {
        boolean nanA = format.isNan(a);
        boolean nanB = format.isNan(b);
        if (nanA || nanB) {
            return nan || nanA && nanB ? SmallFloat.NAN : nanA ? b : a;
        }
        // Orders -0 below +0.
        boolean less = Double.compare(format.decode(a), format.decode(b)) < 0;
        return less == smaller ? a : b;
    }

    /** A function of one half by way of the single-precision one. */
    static Action special(Decoding x, ScalarType type, FloatMath.Function function) {
        if (!x.modifiers.base.equals("ex2") && !x.modifiers.base.equals("tanh")) {
            throw x.modifiers.unsupported();
        }
        SmallFloat format = SmallFloat.of(type);
        int a = x.intSource(1, type);
        return loop(
                type,
                x.destination(0, type),
                a,
                a,
                a,
                (p, q, s) -> format.encode(function.apply((float) format.decode(p), 0, 0)));
    }

    /** Sum of two 16-bit patterns, as an atomic needs it. */
    static int add(SmallFloat format, int a, int b) {
        return format.encode(SmallFloat.oddSum(format.decode(a), format.decode(b)));
    }
}
