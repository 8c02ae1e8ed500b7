package io.culvert.emulator.ptx;

/** add.cc, addc, sub.cc, subc, mad.cc, madc at 32 bits: long arithmetic with one carry bit a thread. */
final class CarryArithmetic {
    private interface Step {
        /** The exact result, with what came in; a carry or borrow shows above bit 31. */
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
        if (type.bits != 32 || type.signed() && high) {
            throw x.unsupported("carry of this type");
        }
        int to = x.destination(0, type);
        int a = x.intSource(1, type);
        int b = x.intSource(2, type);
        int c = product ? x.intSource(3, type) : a;
        Step step = product
                ? (p, q, s, carry) -> (high ? p * q >>> 32 : p * q & 0xffffffffL) + s + carry
                : m.base.startsWith("add") ? (p, q, s, carry) -> p + q + carry : (p, q, s, borrow) -> p - q - borrow;
        return (f, mask) -> {
            int[] r = f.r;
            for (int left = mask; left != 0; left &= left - 1) {
                int i = Integer.numberOfTrailingZeros(left);
                int in = takes ? f.carry >>> i & 1 : 0;
                long result =
                        step.apply(r[a + i] & 0xffffffffL, r[b + i] & 0xffffffffL, r[c + i] & 0xffffffffL, in);
                r[to + i] = (int) result;
                if (gives) {
                    f.carry = f.carry & ~(1 << i) | (int) (result >>> 32 & 1) << i;
                }
            }
        };
    }
}
