package io.culvert.emulator.ptx;

/**
 * add.cc, addc, sub.cc, subc, mad.cc, madc with one carry bit a thread. A difference is a + ~b + 1, so its
 * bit says that nothing was borrowed: nvcc's 128-bit division reads it by an addc.
 */
final class CarryArithmetic {
    private interface Step {
        /** The exact result, with what came in; the carry is bit 32. */
        long apply(long a, long b, long c, int carry);
    }

    private CarryArithmetic() {}

    static Action decode(Decoding x) {
        Modifiers m = x.modifiers;
        boolean takes = m.base.endsWith("c");
        boolean product = m.base.startsWith("mad");
        boolean high = product && "hi".equals(m.oneOf("lo", "hi"));
        boolean gives = m.take("cc");
        ScalarType type = m.type();
        x.expectOperands(product ? 4 : 3);
        if (type.bits == 64 && product && type == ScalarType.U64) {
            return wideProduct(x, type, high, takes, gives);
        }
        if (type.bits == 64 && !product) {
            return wide(x, type, m.base.startsWith("add"), takes, gives);
        }
        if (type.bits != 32 || type.signed() && high) {
            throw x.unsupported("carry of this type");
        }
        int to = x.destination(0, type);
        int a = x.intSource(1, type);
        int b = x.intSource(2, type);
        int c = product ? x.intSource(3, type) : a;
        boolean difference = m.base.startsWith("sub");
        int first = difference ? 1 : 0;
        Step step = product
                ? (p, q, s, carry) -> (high ? p * q >>> 32 : p * q & 0xffffffffL) + s + carry
                : difference
                        ? (p, q, s, carry) -> p + (~q & 0xffffffffL) + carry
                        : (p, q, s, carry) -> p + q + carry;
        return (f, mask) -> {
            int[] r = f.r;
            for (int left = mask; left != 0; left &= left - 1) {
                int i = Integer.numberOfTrailingZeros(left);
                int in = takes ? f.carry >>> i & 1 : first;
                long result = step.apply(r[a + i] & 0xffffffffL, r[b + i] & 0xffffffffL, r[c + i] & 0xffffffffL, in);
                r[to + i] = (int) result;
                if (gives) {
                    f.carry = f.carry & ~(1 << i) | (int) (result >>> 32 & 1) << i;
                }
            }
        };
    }

    /** mad.cc and madc of 64 bits: the chosen half of the product, a 64-bit addend and the carry. */
    private static Action wideProduct(Decoding x, ScalarType type, boolean high, boolean takes, boolean gives) {
        int to = x.destination(0, type);
        int a = x.longSource(1, type);
        int b = x.longSource(2, type);
        int c = x.longSource(3, type);
        return (f, mask) -> {
            long[] d = f.d;
            for (int left = mask; left != 0; left &= left - 1) {
                int i = Integer.numberOfTrailingZeros(left);
                int in = takes ? f.carry >>> i & 1 : 0;
                long p = high ? Math.unsignedMultiplyHigh(d[a + i], d[b + i]) : d[a + i] * d[b + i];
                long q = d[c + i];
                long result = p + q + in;
                long out = p & q | (p | q) & ~result;
                d[to + i] = result;
                if (gives) {
                    f.carry = f.carry & ~(1 << i) | (int) (out >>> 63) << i;
                }
            }
        };
    }

    private static Action wide(Decoding x, ScalarType type, boolean sum, boolean takes, boolean gives) {
        int to = x.destination(0, type);
        int a = x.longSource(1, type);
        int b = x.longSource(2, type);
        int first = sum ? 0 : 1;
        return (f, mask) -> {
            long[] d = f.d;
            for (int left = mask; left != 0; left &= left - 1) {
                int i = Integer.numberOfTrailingZeros(left);
                int in = takes ? f.carry >>> i & 1 : first;
                long p = d[a + i];
                long q = sum ? d[b + i] : ~d[b + i];
                long result = p + q + in;
                // The carry out of bit 63: Hacker's Delight, 2-13.
                long out = p & q | (p | q) & ~result;
                d[to + i] = result;
                if (gives) {
                    f.carry = f.carry & ~(1 << i) | (int) (out >>> 63) << i;
                }
            }
        };
    }
}
