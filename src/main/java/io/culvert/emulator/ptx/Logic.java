package io.culvert.emulator.ptx;

import java.util.function.IntBinaryOperator;
import java.util.function.LongBinaryOperator;

/** and, or, xor, not, cnot, shifts, bit fields, prmt, lop3, clz, popc and the like; also on predicates. */
final class Logic {
    private Logic() {}

    static Action decode(Decoding x) {
        return switch (x.modifiers.base) {
            case "and", "or", "xor" -> binary(x);
            case "not", "cnot", "brev" -> unary(x);
            case "shl", "shr" -> shift(x);
            case "shf" -> funnel(x);
            case "bfe" -> extract(x);
            case "bfi" -> insert(x);
            case "bfind", "clz", "popc" -> count(x);
            case "prmt" -> permute(x);
            case "bmsk", "szext" -> mask(x);
            default -> lookup(x);
        };
    }

    /** Predicates are one bit a lane, so an operator on ints does all lanes at once. */
    static Action predicates(int to, int a, int b, IntBinaryOperator operator) {
        return (f, mask) -> f.p[to] = f.p[to] & ~mask | operator.applyAsInt(f.p[a], f.p[b]) & mask;
    }

    static IntBinaryOperator operator(String name) {
        return switch (name) {
            case "and" -> (p, q) -> p & q;
            case "or" -> (p, q) -> p | q;
            default -> (p, q) -> p ^ q;
        };
    }

    private static Action binary(Decoding x) {
        ScalarType type = x.modifiers.type();
        x.expectOperands(3);
        IntBinaryOperator operator = operator(x.modifiers.base);
        if (type == ScalarType.PRED) {
            boolean notA = x.operand(1).negated();
            boolean notB = x.operand(2).negated();
            return predicates(
                    x.predicate(x.operand(0)),
                    x.predicate(x.operand(1)),
                    x.predicate(x.operand(2)),
                    (p, q) -> operator.applyAsInt(notA ? ~p : p, notB ? ~q : q));
        }
        if (type.bits == 64) {
            LongBinaryOperator wide = switch (x.modifiers.base) {
                case "and" -> (p, q) -> p & q;
                case "or" -> (p, q) -> p | q;
                default -> (p, q) -> p ^ q;
            };
            return LongLoops.binary(x.destination(0, type), x.longSource(1, type), x.longSource(2, type), wide);
        }
        return IntLoops.binary(x.destination(0, type), x.intSource(1, type), x.intSource(2, type), operator);
    }

    private static Action unary(Decoding x) {
        ScalarType type = x.modifiers.type();
        x.expectOperands(2);
        if (type == ScalarType.PRED) {
            int a = x.predicate(x.operand(1));
            return predicates(x.predicate(x.operand(0)), a, a, (p, q) -> ~p);
        }
        int to = x.destination(0, type);
        int a = x.source(1, type);
        int keep = type.bits == 16 ? 0xffff : -1;
        boolean wide = type.bits == 64;
        return switch (x.modifiers.base) {
            case "not" -> wide ? LongLoops.unary(to, a, p -> ~p) : IntLoops.unary(to, a, p -> ~p & keep);
            case "cnot" ->
                wide ? LongLoops.unary(to, a, p -> p == 0 ? 1 : 0) : IntLoops.unary(to, a, p -> p == 0 ? 1 : 0);
            default -> wide ? LongLoops.unary(to, a, Long::reverse) : IntLoops.unary(to, a, Integer::reverse);
        };
    }

    /** Amounts beyond the width count as the width. */
    private static Action shift(Decoding x) {
        ScalarType type = x.modifiers.type();
        x.expectOperands(3);
        boolean left = x.modifiers.base.equals("shl");
        boolean signed = type.signed();
        int to = x.destination(0, type);
        int a = x.source(1, type);
        int b = x.intSource(2, ScalarType.U32);
        if (type.bits == 64) {
            return left
                    ? LongLoops.shift(to, a, b, (p, n) -> n >>> 6 != 0 ? 0 : p << n)
                    : signed
                            ? LongLoops.shift(to, a, b, (p, n) -> p >> (n >>> 6 != 0 ? 63 : n))
                            : LongLoops.shift(to, a, b, (p, n) -> n >>> 6 != 0 ? 0 : p >>> n);
        }
        if (type.bits == 16) {
            return left
                    ? IntLoops.binary(to, a, b, (p, n) -> n >>> 4 != 0 ? 0 : p << n & 0xffff)
                    : signed
                            ? IntLoops.binary(to, a, b, (p, n) -> (short) p >> (n >>> 4 != 0 ? 15 : n) & 0xffff)
                            : IntLoops.binary(to, a, b, (p, n) -> n >>> 4 != 0 ? 0 : (p & 0xffff) >>> n);
        }
        return left
                ? IntLoops.binary(to, a, b, (p, n) -> n >>> 5 != 0 ? 0 : p << n)
                : signed
                        ? IntLoops.binary(to, a, b, (p, n) -> p >> (n >>> 5 != 0 ? 31 : n))
                        : IntLoops.binary(to, a, b, (p, n) -> n >>> 5 != 0 ? 0 : p >>> n);
    }

    private static Action funnel(Decoding x) {
        boolean left = "l".equals(x.modifiers.oneOf("l", "r"));
        boolean wrap = "wrap".equals(x.modifiers.oneOf("wrap", "clamp"));
        ScalarType type = x.modifiers.type();
        x.expectOperands(4);
        return IntLoops.ternary(
                x.destination(0, type),
                x.intSource(1, type),
                x.intSource(2, type),
                x.intSource(3, type),
                (low, high, c) -> {
                    int n = wrap ? c & 31 : Integer.compareUnsigned(c, 32) > 0 ? 32 : c;
                    long both = (long) high << 32 | low & 0xffffffffL;
                    return (int) (left ? both << n >>> 32 : both >>> n);
                });
    }

    /** The field of {@code length} bits at {@code position}, both within the int. */
    static int extract(int value, int position, int length, boolean signed) {
        int top = value << 32 - position - length;
        return signed ? top >> 32 - length : top >>> 32 - length;
    }

    /** As bfe, on a value of {@code width} bits: beyond the field, and beyond the value, comes the field's sign. */
    private static long field(long value, int width, int position, int length, boolean signed) {
        long sign = signed && length > 0 ? value >>> Math.min(position + length, width) - 1 & 1 : 0;
        int taken = Math.clamp(width - position, 0, length);
        long low = taken == 0 ? 0 : value >>> position & -1L >>> 64 - taken;
        return taken == 64 || sign == 0 ? low : low | -1L << taken;
    }

    private static Action extract(Decoding x) {
        ScalarType type = x.modifiers.type();
        x.expectOperands(4);
        boolean signed = type.signed();
        int to = x.destination(0, type);
        int a = x.source(1, type);
        int b = x.intSource(2, ScalarType.U32);
        int c = x.intSource(3, ScalarType.U32);
        return type.bits == 64
                ? LongLoops.field(to, a, b, c, (p, q, s) -> field(p, 64, q & 255, s & 255, signed))
                : IntLoops.ternary(
                        to, a, b, c, (p, q, s) -> (int) field(p & 0xffffffffL, 32, q & 255, s & 255, signed));
    }

    private static Action insert(Decoding x) {
        ScalarType type = x.modifiers.type();
        x.expectOperands(5);
        int to = x.destination(0, type);
        int a = x.source(1, type);
        int b = x.source(2, type);
        int c = x.intSource(3, ScalarType.U32);
        int d = x.intSource(4, ScalarType.U32);
        boolean wide = type.bits == 64;
        return (f, mask) -> {
            for (int left = mask; left != 0; left &= left - 1) {
                int i = Integer.numberOfTrailingZeros(left);
                int position = f.r[c + i] & 255;
                int length = f.r[d + i] & 255;
                long ones = position > 63 || length == 0 ? 0 : (length > 63 ? -1L : (1L << length) - 1) << position;
                if (wide) {
                    f.d[to + i] = f.d[b + i] & ~ones | f.d[a + i] << position & ones;
                } else {
                    f.r[to + i] = (int) (f.r[b + i] & ~ones | (long) f.r[a + i] << position & ones);
                }
            }
        };
    }

    private static Action count(Decoding x) {
        boolean shiftAmount = x.modifiers.take("shiftamt");
        ScalarType type = x.modifiers.type();
        x.expectOperands(2);
        boolean signed = type.signed();
        int to = x.destination(0, ScalarType.U32);
        int a = x.source(1, type);
        boolean wide = type.bits == 64;
        return switch (x.modifiers.base) {
            case "clz" ->
                wide
                        ? IntLoops.narrow(to, a, Long::numberOfLeadingZeros)
                        : IntLoops.unary(to, a, Integer::numberOfLeadingZeros);
            case "popc" -> wide ? IntLoops.narrow(to, a, Long::bitCount) : IntLoops.unary(to, a, Integer::bitCount);
            default ->
                wide
                        ? IntLoops.narrow(to, a, p -> find(signed && p < 0 ? ~p : p, 64, shiftAmount))
                        : IntLoops.unary(to, a, p -> find((signed && p < 0 ? ~p : p) & 0xffffffffL, 32, shiftAmount));
        };
    }

    /** fns: the position of the {@code offset}th bit that is set, counted up or down from {@code base}; or all ones. */
    static Action findNth(Decoding x) {
        if (x.modifiers.type() != ScalarType.B32) {
            throw x.modifiers.unsupported();
        }
        x.expectOperands(4);
        return IntLoops.ternary(
                x.destination(0, ScalarType.B32),
                x.intSource(1, ScalarType.B32),
                x.intSource(2, ScalarType.U32),
                x.intSource(3, ScalarType.S32),
                (value, base, offset) -> {
                    int left = offset == 0 ? 1 : Math.abs(offset);
                    for (int at = base; at >= 0 && at < 32; at += offset < 0 ? -1 : 1) {
                        left -= value >>> at & 1;
                        if (left == 0) {
                            return at;
                        }
                        if (offset == 0) {
                            return -1;
                        }
                    }
                    return -1;
                });
    }

    /** Position of the highest set bit, or its distance from the top; all ones for zero. */
    private static int find(long value, int width, boolean shiftAmount) {
        int position = 63 - Long.numberOfLeadingZeros(value);
        return value == 0 ? -1 : shiftAmount ? width - 1 - position : position;
    }

    private static Action permute(Decoding x) {
        ScalarType type = x.modifiers.type();
        x.expectOperands(4);
        String mode = x.modifiers.oneOf("f4e", "b4e", "rc8", "ecl", "ecr", "rc16");
        if (mode != null) {
            return permute(x, type, mode);
        }
        return IntLoops.ternary(
                x.destination(0, type), x.intSource(1, type), x.intSource(2, type), x.intSource(3, type), (p, q, s) -> {
                    long both = (long) q << 32 | p & 0xffffffffL;
                    int result = 0;
                    for (int k = 0; k < 4; k++) {
                        int chosen = s >>> 4 * k & 15;
                        int octet = (int) (both >>> 8 * (chosen & 7)) & 255;
                        // The high bit of the selector asks for copies of the sign.
                        octet = (chosen & 8) != 0 ? (byte) octet >> 7 & 255 : octet;
                        result |= octet << 8 * k;
                    }
                    return result;
                });
    }

    /** The modes of prmt, which take bytes by the lowest two bits of the selector: bytes of the result, lowest first. */
    private static Action permute(Decoding x, ScalarType type, String mode) {
        int[] selectors = switch (mode) {
            case "f4e" -> new int[] {0x3210, 0x4321, 0x5432, 0x6543};
            case "b4e" -> new int[] {0x5670, 0x6701, 0x7012, 0x0123};
            case "rc8" -> new int[] {0x0000, 0x1111, 0x2222, 0x3333};
            case "ecl" -> new int[] {0x3210, 0x3211, 0x3222, 0x3333};
            case "ecr" -> new int[] {0x0000, 0x1110, 0x2210, 0x3210};
            default -> new int[] {0x1010, 0x3232, 0x1010, 0x3232};
        };
        return IntLoops.ternary(
                x.destination(0, type), x.intSource(1, type), x.intSource(2, type), x.intSource(3, type), (p, q, s) -> {
                    long both = (long) q << 32 | p & 0xffffffffL;
                    int result = 0;
                    for (int k = 0; k < 4; k++) {
                        int chosen = selectors[s & 3] >>> 4 * k & 7;
                        result |= ((int) (both >>> 8 * chosen) & 255) << 8 * k;
                    }
                    return result;
                });
    }

    private static Action lookup(Decoding x) {
        ScalarType type = x.modifiers.type();
        x.expectOperands(5);
        int table = (int) x.immediate(4);
        return IntLoops.ternary(
                x.destination(0, type), x.intSource(1, type), x.intSource(2, type), x.intSource(3, type), (p, q, s) -> {
                    int result = 0;
                    for (int k = 0; k < 8; k++) {
                        if ((table >>> k & 1) != 0) {
                            result |= ((k & 4) != 0 ? p : ~p) & ((k & 2) != 0 ? q : ~q) & ((k & 1) != 0 ? s : ~s);
                        }
                    }
                    return result;
                });
    }

    /** bmsk: {@code b} ones from bit {@code a} on; szext: {@code a} extended from its lowest {@code b} bits. */
    private static Action mask(Decoding x) {
        boolean wrap = "wrap".equals(x.modifiers.oneOf("wrap", "clamp"));
        ScalarType type = x.modifiers.type();
        x.expectOperands(3);
        boolean ones = x.modifiers.base.equals("bmsk");
        boolean signed = type.signed();
        return IntLoops.binary(x.destination(0, type), x.intSource(1, type), x.intSource(2, type), (a, b) -> {
            int length = wrap ? b & 31 : (int) Math.min(b & 0xffffffffL, 32);
            if (ones) {
                long position = wrap ? a & 31 : a & 0xffffffffL;
                return position > 31 ? 0 : (int) ((1L << length) - 1 << position);
            }
            return (int) field(a & 0xffffffffL, 32, 0, length, signed);
        });
    }
}
