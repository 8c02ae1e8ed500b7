package io.culvert.emulator.ptx;

import static java.lang.Double.longBitsToDouble;
import static java.lang.Float.intBitsToFloat;

import java.util.function.IntBinaryOperator;

/** setp and set: compares, joined with a predicate on demand. */
final class Comparison {
    /** A compare of reals: f32, f64, f16 and bf16 all fit in double. */
    private interface RealTest {
        boolean test(double a, double b);
    }

    private Comparison() {}

    static Action setp(Decoding x) {
        String compare = x.modifiers.next();
        String join = x.modifiers.oneOf("and", "or", "xor");
        boolean ftz = x.modifiers.take("ftz");
        ScalarType type = x.modifiers.type();
        x.expectOperands(join == null ? 3 : 4);
        Operand target = x.operand(0);
        boolean pair = target.is(Operand.Kind.PAIR);
        if (type.packed()) {
            return packed(x, type, compare, join, ftz);
        }
        int holds = x.predicate(pair ? target.items().get(0) : target);
        int fails = pair ? x.predicate(target.items().get(1)) : -1;
        if (join == null && !pair) {
            return test(x, holds, type, compare, ftz);
        }
        // The joining predicate may be a target too: compare into a register of its own.
        int fresh = x.code.newPred();
        Action test = test(x, fresh, type, compare, ftz);
        int by = join == null ? x.code.predConstant(true) : x.predicate(x.operand(3));
        boolean negated = join != null && x.operand(3).negated();
        IntBinaryOperator operator = Logic.operator(join == null ? "and" : join);
        return (f, mask) -> {
            test.run(f, mask);
            int c = negated ? ~f.p[by] : f.p[by];
            int p = f.p[fresh];
            f.p[holds] = f.p[holds] & ~mask | operator.applyAsInt(p, c) & mask;
            if (fails >= 0) {
                f.p[fails] = f.p[fails] & ~mask | operator.applyAsInt(~p, c) & mask;
            }
        };
    }

    /** setp.f16x2 p|q: the lower and the upper halves. */
    private static Action packed(Decoding x, ScalarType type, String compare, String join, boolean ftz) {
        if (join != null || ftz || !x.operand(0).is(Operand.Kind.PAIR)) {
            throw x.unsupported("this form for pairs of halves");
        }
        SmallFloat format = SmallFloat.of(type);
        RealTest test = real(x, compare);
        int a = x.intSource(1, type);
        int b = x.intSource(2, type);
        int low = x.predicate(x.operand(0).items().get(0));
        int high = x.predicate(x.operand(0).items().get(1));
        Action lower = PredicateLoops.ints(low, a, b, (p, q) -> test.test(format.decode(p), format.decode(q)));
        Action upper =
                PredicateLoops.ints(high, a, b, (p, q) -> test.test(format.decode(p >>> 16), format.decode(q >>> 16)));
        x.instructionClass = InstructionClass.HALF;
        return (f, mask) -> {
            lower.run(f, mask);
            upper.run(f, mask);
        };
    }

    /** set.op.dtype.stype: all ones, or 1.0 of a real type, where the compare holds. */
    static Action set(Decoding x) {
        String compare = x.modifiers.next();
        boolean ftz = x.modifiers.take("ftz");
        ScalarType result = x.modifiers.type();
        ScalarType type = x.modifiers.type();
        x.expectOperands(3);
        int to = x.destination(0, result);
        int one = one(x, result);
        if (type.packed()) {
            return packedSet(x, to, type, real(x, compare), one & 0xffff);
        }
        int fresh = x.code.newPred();
        Action test = test(x, fresh, type, compare, ftz);
        return (f, mask) -> {
            test.run(f, mask);
            for (int left = mask; left != 0; left &= left - 1) {
                int i = Integer.numberOfTrailingZeros(left);
                f.r[to + i] = (f.p[fresh] >>> i & 1) != 0 ? one : 0;
            }
        };
    }

    private static int one(Decoding x, ScalarType result) {
        return switch (result) {
            case F32 -> Float.floatToRawIntBits(1);
            case F16, F16X2 -> SmallFloat.F16.encode(1);
            case BF16, BF16X2 -> SmallFloat.BF16.encode(1);
            case U16, S16 -> 0xffff;
            case U32, S32 -> -1;
            default -> throw x.unsupported("this result");
        };
    }

    private static Action packedSet(Decoding x, int to, ScalarType type, RealTest test, int one) {
        SmallFloat format = SmallFloat.of(type);
        x.instructionClass = InstructionClass.HALF;
        return IntLoops.binary(
                to,
                x.intSource(1, type),
                x.intSource(2, type),
                (a, b) -> (test.test(format.decode(a), format.decode(b)) ? one : 0)
                        | (test.test(format.decode(a >>> 16), format.decode(b >>> 16)) ? one << 16 : 0));
    }

    private static Action test(Decoding x, int to, ScalarType type, String compare, boolean ftz) {
        int a = x.source(1, type);
        int b = x.source(2, type);
        if (type.real()) {
            RealTest test = real(x, compare);
            x.instructionClass = type == ScalarType.F32
                    ? InstructionClass.FP32
                    : type == ScalarType.F64 ? InstructionClass.FP64 : InstructionClass.HALF;
            if (type == ScalarType.F64) {
                return PredicateLoops.longs(to, a, b, (p, q) -> test.test(longBitsToDouble(p), longBitsToDouble(q)));
            }
            if (type == ScalarType.F32) {
                return ftz
                        ? PredicateLoops.ints(
                                to,
                                a,
                                b,
                                (p, q) -> test.test(
                                        intBitsToFloat(FloatMath.flush(p)), intBitsToFloat(FloatMath.flush(q))))
                        : PredicateLoops.ints(to, a, b, (p, q) -> test.test(intBitsToFloat(p), intBitsToFloat(q)));
            }
            SmallFloat format = SmallFloat.of(type);
            return PredicateLoops.ints(to, a, b, (p, q) -> test.test(format.decode(p), format.decode(q)));
        }
        boolean unsigned = !type.signed() || compare.length() == 2 && "lo ls hi hs".contains(compare);
        PredicateLoops.LongTest test = integer(x, compare, unsigned);
        if (type.bits == 64) {
            return PredicateLoops.longs(to, a, b, test);
        }
        if (type.bits == 32) {
            return PredicateLoops.ints(to, a, b, unsigned ? unsigned32(x, compare) : signed32(x, compare));
        }
        return unsigned
                ? PredicateLoops.ints(to, a, b, (p, q) -> test.test(p & 0xffffffffL, q & 0xffffffffL))
                : PredicateLoops.ints(to, a, b, (p, q) -> test.test((short) p, (short) q));
    }

    private static PredicateLoops.IntTest signed32(Decoding x, String compare) {
        return switch (compare) {
            case "eq" -> (p, q) -> p == q;
            case "ne" -> (p, q) -> p != q;
            case "lt" -> (p, q) -> p < q;
            case "le" -> (p, q) -> p <= q;
            case "gt" -> (p, q) -> p > q;
            case "ge" -> (p, q) -> p >= q;
            default -> throw x.modifiers.unsupported();
        };
    }

    private static PredicateLoops.IntTest unsigned32(Decoding x, String compare) {
        return switch (compare) {
            case "eq" -> (p, q) -> p == q;
            case "ne" -> (p, q) -> p != q;
            case "lt", "lo" -> (p, q) -> Integer.compareUnsigned(p, q) < 0;
            case "le", "ls" -> (p, q) -> Integer.compareUnsigned(p, q) <= 0;
            case "gt", "hi" -> (p, q) -> Integer.compareUnsigned(p, q) > 0;
            case "ge", "hs" -> (p, q) -> Integer.compareUnsigned(p, q) >= 0;
            default -> throw x.modifiers.unsupported();
        };
    }

    private static PredicateLoops.LongTest integer(Decoding x, String compare, boolean unsigned) {
        // Adding 2^63 maps the unsigned order onto the signed one.
        long flip = unsigned ? Long.MIN_VALUE : 0;
        return switch (compare) {
            case "eq" -> (p, q) -> p == q;
            case "ne" -> (p, q) -> p != q;
            case "lt", "lo" -> (p, q) -> p + flip < q + flip;
            case "le", "ls" -> (p, q) -> p + flip <= q + flip;
            case "gt", "hi" -> (p, q) -> p + flip > q + flip;
            case "ge", "hs" -> (p, q) -> p + flip >= q + flip;
            default -> throw x.modifiers.unsupported();
        };
    }

    /** The forms with u hold when an operand is NaN. */
    private static RealTest real(Decoding x, String compare) {
        return switch (compare) {
            case "eq" -> (p, q) -> p == q;
            case "ne" -> (p, q) -> p < q || p > q;
            case "lt" -> (p, q) -> p < q;
            case "le" -> (p, q) -> p <= q;
            case "gt" -> (p, q) -> p > q;
            case "ge" -> (p, q) -> p >= q;
            case "equ" -> (p, q) -> !(p < q || p > q);
            case "neu" -> (p, q) -> p != q;
            case "ltu" -> (p, q) -> !(p >= q);
            case "leu" -> (p, q) -> !(p > q);
            case "gtu" -> (p, q) -> !(p <= q);
            case "geu" -> (p, q) -> !(p < q);
            case "num" -> (p, q) -> !Double.isNaN(p) && !Double.isNaN(q);
            case "nan" -> (p, q) -> Double.isNaN(p) || Double.isNaN(q);
            default -> throw x.modifiers.unsupported();
        };
    }
}
