package io.culvert.emulator.ptx;

import java.util.function.IntBinaryOperator;
import java.util.function.IntUnaryOperator;
import java.util.function.LongBinaryOperator;

/** Integer add, sub, mul, mad, div, rem, abs, neg, min, max, mul24, mad24, sad, dp4a, dp2a, at 16, 32 and 64 bits. */
final class IntegerArithmetic {
    private IntegerArithmetic() {}

    static Action decode(Decoding x) {
        return switch (x.modifiers.base) {
            case "mul", "mad" -> product(x);
            case "mul24", "mad24" -> product24(x);
            case "sad" -> sad(x);
            case "dp4a", "dp2a" -> dot(x);
            case "abs", "neg" -> unary(x);
            default -> binary(x);
        };
    }

    private static Action unary(Decoding x) {
        ScalarType type = x.modifiers.type();
        x.expectOperands(2);
        boolean abs = x.modifiers.base.equals("abs");
        int to = x.destination(0, type);
        int a = x.source(1, type);
        if (type.bits == 64) {
            return abs ? LongLoops.unary(to, a, Math::abs) : LongLoops.unary(to, a, p -> -p);
        }
        IntUnaryOperator operator = abs ? Math::abs : p -> -p;
        return type.bits == 16
                ? IntLoops.unary(to, a, p -> operator.applyAsInt((short) p) & 0xffff)
                : IntLoops.unary(to, a, operator);
    }

    private static Action binary(Decoding x) {
        boolean saturate = x.modifiers.take("sat");
        boolean relu = x.modifiers.take("relu");
        ScalarType type = x.modifiers.type();
        x.expectOperands(3);
        int to = x.destination(0, type);
        int a = x.source(1, type);
        int b = x.source(2, type);
        if (type.integerPair()) {
            return pair(x, type, to, a, b, relu);
        }
        if (relu) {
            if (type != ScalarType.S32) {
                throw x.unsupported("relu of this type");
            }
            IntBinaryOperator unbounded = minOrMax(x, true);
            return IntLoops.binary(to, a, b, (p, q) -> Math.max(0, unbounded.applyAsInt(p, q)));
        }
        if (saturate) {
            if (type != ScalarType.S32) {
                throw x.unsupported("saturation of this type");
            }
            int sign = switch (x.modifiers.base) {
                case "add" -> 1;
                case "sub" -> -1;
                default -> throw x.unsupported("saturation");
            };
            return IntLoops.binary(
                    to, a, b, (p, q) -> Math.clamp((long) p + (long) sign * q, Integer.MIN_VALUE, Integer.MAX_VALUE));
        }
        if (type.bits == 64) {
            return LongLoops.binary(to, a, b, operator64(x, type.signed()));
        }
        IntBinaryOperator operator = operator32(x, type.signed());
        if (type.bits == 32) {
            return IntLoops.binary(to, a, b, operator);
        }
        return type.signed()
                ? IntLoops.binary(to, a, b, (p, q) -> operator.applyAsInt((short) p, (short) q) & 0xffff)
                : IntLoops.binary(to, a, b, (p, q) -> operator.applyAsInt(p & 0xffff, q & 0xffff) & 0xffff);
    }

    private static IntBinaryOperator minOrMax(Decoding x, boolean signed) {
        if (!x.modifiers.base.equals("min") && !x.modifiers.base.equals("max")) {
            throw x.modifiers.unsupported();
        }
        return operator32(x, signed);
    }

    private static Action pair(Decoding x, ScalarType type, int to, int a, int b, boolean relu) {
        boolean signed = type == ScalarType.S16X2;
        IntBinaryOperator operator =
                x.modifiers.base.equals("add") && !relu ? (p, q) -> p + q : minOrMax(x, signed);
        if (relu && !signed) {
            throw x.modifiers.unsupported();
        }
        return IntLoops.binary(to, a, b, (p, q) -> {
            int low = signed
                    ? operator.applyAsInt((short) p, (short) q)
                    : operator.applyAsInt(p & 0xffff, q & 0xffff);
            int high = signed ? operator.applyAsInt(p >> 16, q >> 16) : operator.applyAsInt(p >>> 16, q >>> 16);
            return (relu ? Math.max(0, low) : low) & 0xffff | (relu ? Math.max(0, high) : high) << 16;
        });
    }

    /** Division by zero gives all ones, and its remainder the dividend: PTX leaves both open, GPUs do so. */
    private static IntBinaryOperator operator32(Decoding x, boolean signed) {
        return switch (x.modifiers.base) {
            case "add" -> (p, q) -> p + q;
            case "sub" -> (p, q) -> p - q;
            case "div" -> signed ? (p, q) -> q == 0 ? -1 : p / q : (p, q) -> q == 0 ? -1 : Integer.divideUnsigned(p, q);
            case "rem" ->
                signed ? (p, q) -> q == 0 ? p : p % q : (p, q) -> q == 0 ? p : Integer.remainderUnsigned(p, q);
            case "min" -> signed ? Math::min : (p, q) -> Integer.compareUnsigned(p, q) < 0 ? p : q;
            case "max" -> signed ? Math::max : (p, q) -> Integer.compareUnsigned(p, q) > 0 ? p : q;
            default -> throw x.modifiers.unsupported();
        };
    }

    private static LongBinaryOperator operator64(Decoding x, boolean signed) {
        return switch (x.modifiers.base) {
            case "add" -> (p, q) -> p + q;
            case "sub" -> (p, q) -> p - q;
            case "div" -> signed ? (p, q) -> q == 0 ? -1 : p / q : (p, q) -> q == 0 ? -1 : Long.divideUnsigned(p, q);
            case "rem" -> signed ? (p, q) -> q == 0 ? p : p % q : (p, q) -> q == 0 ? p : Long.remainderUnsigned(p, q);
            case "min" -> signed ? Math::min : (p, q) -> Long.compareUnsigned(p, q) < 0 ? p : q;
            case "max" -> signed ? Math::max : (p, q) -> Long.compareUnsigned(p, q) > 0 ? p : q;
            default -> throw x.modifiers.unsupported();
        };
    }

    private static Action product(Decoding x) {
        String part = x.modifiers.oneOf("lo", "hi", "wide");
        ScalarType type = x.modifiers.type();
        if (part == null) {
            throw x.modifiers.unsupported();
        }
        boolean sum = x.modifiers.base.equals("mad");
        x.expectOperands(sum ? 4 : 3);
        boolean wide = part.equals("wide");
        boolean signed = type.signed();
        int a = x.source(1, type);
        int b = x.source(2, type);
        if (wide && type.bits == 32) {
            int to = x.destination(0, ScalarType.B64);
            if (!sum) {
                return signed
                        ? LongLoops.widen(to, a, b, (p, q) -> (long) p * q)
                        : LongLoops.widen(to, a, b, (p, q) -> (p & 0xffffffffL) * (q & 0xffffffffL));
            }
            int c = x.longSource(3, ScalarType.B64);
            return signed
                    ? LongLoops.widen(to, a, b, c, (p, q, s) -> (long) p * q + s)
                    : LongLoops.widen(to, a, b, c, (p, q, s) -> (p & 0xffffffffL) * (q & 0xffffffffL) + s);
        }
        if (type.bits == 64) {
            if (wide) {
                throw x.unsupported("128-bit results");
            }
            int to = x.destination(0, type);
            LongBinaryOperator multiply =
                    part.equals("lo") ? (p, q) -> p * q : signed ? Math::multiplyHigh : Math::unsignedMultiplyHigh;
            return sum
                    ? LongLoops.ternary(to, a, b, x.longSource(3, type), (p, q, s) -> multiply.applyAsLong(p, q) + s)
                    : LongLoops.binary(to, a, b, multiply);
        }
        ScalarType result = wide ? ScalarType.B32 : type;
        int to = x.destination(0, result);
        IntBinaryOperator multiply = type.bits == 16 ? product16(part, signed) : product32(part, signed);
        int keep = result.bits == 16 ? 0xffff : -1;
        if (sum) {
            int c = x.intSource(3, result);
            return part.equals("lo") && type.bits == 32
                    ? IntLoops.ternary(to, a, b, c, (p, q, s) -> p * q + s)
                    : IntLoops.ternary(to, a, b, c, (p, q, s) -> multiply.applyAsInt(p, q) + s & keep);
        }
        return keep == -1
                ? IntLoops.binary(to, a, b, multiply)
                : IntLoops.binary(to, a, b, (p, q) -> multiply.applyAsInt(p, q) & keep);
    }

    private static IntBinaryOperator product32(String part, boolean signed) {
        if (part.equals("lo")) {
            return (p, q) -> p * q;
        }
        return signed
                ? (p, q) -> (int) ((long) p * q >> 32)
                : (p, q) -> (int) ((p & 0xffffffffL) * (q & 0xffffffffL) >>> 32);
    }

    private static IntBinaryOperator product16(String part, boolean signed) {
        IntBinaryOperator full = signed ? (p, q) -> (short) p * (short) q : (p, q) -> (p & 0xffff) * (q & 0xffff);
        return part.equals("hi") ? (p, q) -> full.applyAsInt(p, q) >>> 16 : full;
    }

    private static Action product24(Decoding x) {
        boolean low = "lo".equals(x.modifiers.oneOf("lo", "hi"));
        ScalarType type = x.modifiers.type();
        boolean sum = x.modifiers.base.equals("mad24");
        boolean signed = type.signed();
        x.expectOperands(sum ? 4 : 3);
        if (type.bits != 32) {
            throw x.modifiers.unsupported();
        }
        int shift = low ? 0 : 16;
        int c = sum ? x.intSource(3, type) : x.code.intConstant(0);
        return IntLoops.ternary(x.destination(0, type), x.intSource(1, type), x.intSource(2, type), c, (p, q, s) -> {
            long left = signed ? p << 8 >> 8 : p & 0xffffff;
            long right = signed ? q << 8 >> 8 : q & 0xffffff;
            return (int) (left * right >> shift) + s;
        });
    }

    private static Action sad(Decoding x) {
        ScalarType type = x.modifiers.type();
        x.expectOperands(4);
        boolean signed = type.signed();
        if (type.bits != 32) {
            throw x.modifiers.unsupported();
        }
        return IntLoops.ternary(
                x.destination(0, type), x.intSource(1, type), x.intSource(2, type), x.intSource(3, type), (p, q, s) -> {
                    boolean less = signed ? p < q : Integer.compareUnsigned(p, q) < 0;
                    return s + (less ? q - p : p - q);
                });
    }

    /** dp4a: four products of bytes; dp2a: two of a's halves with the lower or upper two of b's bytes. */
    private static Action dot(Decoding x) {
        boolean four = x.modifiers.base.equals("dp4a");
        String half = four ? "lo" : x.modifiers.oneOf("lo", "hi");
        boolean signedA = x.modifiers.type().signed();
        boolean signedB = x.modifiers.type().signed();
        x.expectOperands(4);
        int terms = four ? 4 : 2;
        int bitsA = four ? 8 : 16;
        int first = "hi".equals(half) ? 16 : 0;
        ScalarType type = ScalarType.B32;
        return IntLoops.ternary(
                x.destination(0, type), x.intSource(1, type), x.intSource(2, type), x.intSource(3, type), (p, q, s) -> {
                    int sum = s;
                    for (int k = 0; k < terms; k++) {
                        int left = Logic.extract(p, k * bitsA, bitsA, signedA);
                        sum += left * Logic.extract(q, first + 8 * k, 8, signedB);
                    }
                    return sum;
                });
    }
}
