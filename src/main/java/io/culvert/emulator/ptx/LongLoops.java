package io.culvert.emulator.ptx;

import java.util.function.IntToLongFunction;
import java.util.function.LongBinaryOperator;
import java.util.function.LongUnaryOperator;

/**
 * Loops over lanes with a 64-bit result. The factories take slots, the result's first. {@link LoopClones} copies the
 * classes, so they use nothing that is private to this file.
 */
final class LongLoops {
    /** An operator on three longs. */
    interface LongTernary {
        long apply(long a, long b, long c);
    }

    /** An operator on two ints with a long result. */
    interface IntsToLong {
        long apply(int a, int b);
    }

    /** As mad.wide. */
    interface IntsAndLong {
        long apply(int a, int b, long c);
    }

    /** As a 64-bit shift. */
    interface LongAndInt {
        long apply(long a, int b);
    }

    /** As a 64-bit bit field. */
    interface LongAndInts {
        long apply(long a, int b, int c);
    }

    private LongLoops() {}

    static Action unary(int to, int a, LongUnaryOperator operator) {
        return LoopClones.make(Unary.class, operator, to, a);
    }

    static Action binary(int to, int a, int b, LongBinaryOperator operator) {
        return LoopClones.make(Binary.class, operator, to, a, b);
    }

    static Action ternary(int to, int a, int b, int c, LongTernary operator) {
        return LoopClones.make(Ternary.class, operator, to, a, b, c);
    }

    static Action widen(int to, int a, IntToLongFunction operator) {
        return LoopClones.make(Widen.class, operator, to, a);
    }

    static Action widen(int to, int a, int b, IntsToLong operator) {
        return LoopClones.make(WidenBinary.class, operator, to, a, b);
    }

    static Action widen(int to, int a, int b, int c, IntsAndLong operator) {
        return LoopClones.make(WidenTernary.class, operator, to, a, b, c);
    }

    static Action shift(int to, int a, int b, LongAndInt operator) {
        return LoopClones.make(Shift.class, operator, to, a, b);
    }

    static Action field(int to, int a, int b, int c, LongAndInts operator) {
        return LoopClones.make(Field.class, operator, to, a, b, c);
    }

    static final class Unary implements Action {
        private final LongUnaryOperator operator;
        private final int to;
        private final int a;

        Unary(LongUnaryOperator operator, int[] slots) {
            this.operator = operator;
            to = slots[0];
            a = slots[1];
        }

        @Override
        public void run(Frame f, int mask) {
            long[] d = f.d;
            if (mask == -1) {
                for (int i = 0; i < 32; i++) {
                    d[to + i] = operator.applyAsLong(d[a + i]);
                }
                return;
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int i = Integer.numberOfTrailingZeros(left);
                d[to + i] = operator.applyAsLong(d[a + i]);
            }
        }
    }

    static final class Binary implements Action {
        private final LongBinaryOperator operator;
        private final int to;
        private final int a;
        private final int b;

        Binary(LongBinaryOperator operator, int[] slots) {
            this.operator = operator;
            to = slots[0];
            a = slots[1];
            b = slots[2];
        }

        @Override
        public void run(Frame f, int mask) {
            long[] d = f.d;
            if (mask == -1) {
                for (int i = 0; i < 32; i++) {
                    d[to + i] = operator.applyAsLong(d[a + i], d[b + i]);
                }
                return;
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int i = Integer.numberOfTrailingZeros(left);
                d[to + i] = operator.applyAsLong(d[a + i], d[b + i]);
            }
        }
    }

    static final class Ternary implements Action {
        private final LongTernary operator;
        private final int to;
        private final int a;
        private final int b;
        private final int c;

        Ternary(LongTernary operator, int[] slots) {
            this.operator = operator;
            to = slots[0];
            a = slots[1];
            b = slots[2];
            c = slots[3];
        }

        @Override
        public void run(Frame f, int mask) {
            long[] d = f.d;
            if (mask == -1) {
                for (int i = 0; i < 32; i++) {
                    d[to + i] = operator.apply(d[a + i], d[b + i], d[c + i]);
                }
                return;
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int i = Integer.numberOfTrailingZeros(left);
                d[to + i] = operator.apply(d[a + i], d[b + i], d[c + i]);
            }
        }
    }

    static final class Widen implements Action {
        private final IntToLongFunction operator;
        private final int to;
        private final int a;

        Widen(IntToLongFunction operator, int[] slots) {
            this.operator = operator;
            to = slots[0];
            a = slots[1];
        }

        @Override
        public void run(Frame f, int mask) {
            int[] r = f.r;
            long[] d = f.d;
            if (mask == -1) {
                for (int i = 0; i < 32; i++) {
                    d[to + i] = operator.applyAsLong(r[a + i]);
                }
                return;
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int i = Integer.numberOfTrailingZeros(left);
                d[to + i] = operator.applyAsLong(r[a + i]);
            }
        }
    }

    static final class WidenBinary implements Action {
        private final IntsToLong operator;
        private final int to;
        private final int a;
        private final int b;

        WidenBinary(IntsToLong operator, int[] slots) {
            this.operator = operator;
            to = slots[0];
            a = slots[1];
            b = slots[2];
        }

        @Override
        public void run(Frame f, int mask) {
            int[] r = f.r;
            long[] d = f.d;
            if (mask == -1) {
                for (int i = 0; i < 32; i++) {
                    d[to + i] = operator.apply(r[a + i], r[b + i]);
                }
                return;
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int i = Integer.numberOfTrailingZeros(left);
                d[to + i] = operator.apply(r[a + i], r[b + i]);
            }
        }
    }

    static final class WidenTernary implements Action {
        private final IntsAndLong operator;
        private final int to;
        private final int a;
        private final int b;
        private final int c;

        WidenTernary(IntsAndLong operator, int[] slots) {
            this.operator = operator;
            to = slots[0];
            a = slots[1];
            b = slots[2];
            c = slots[3];
        }

        @Override
        public void run(Frame f, int mask) {
            int[] r = f.r;
            long[] d = f.d;
            if (mask == -1) {
                for (int i = 0; i < 32; i++) {
                    d[to + i] = operator.apply(r[a + i], r[b + i], d[c + i]);
                }
                return;
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int i = Integer.numberOfTrailingZeros(left);
                d[to + i] = operator.apply(r[a + i], r[b + i], d[c + i]);
            }
        }
    }

    static final class Shift implements Action {
        private final LongAndInt operator;
        private final int to;
        private final int a;
        private final int b;

        Shift(LongAndInt operator, int[] slots) {
            this.operator = operator;
            to = slots[0];
            a = slots[1];
            b = slots[2];
        }

        @Override
        public void run(Frame f, int mask) {
            int[] r = f.r;
            long[] d = f.d;
            if (mask == -1) {
                for (int i = 0; i < 32; i++) {
                    d[to + i] = operator.apply(d[a + i], r[b + i]);
                }
                return;
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int i = Integer.numberOfTrailingZeros(left);
                d[to + i] = operator.apply(d[a + i], r[b + i]);
            }
        }
    }

    static final class Field implements Action {
        private final LongAndInts operator;
        private final int to;
        private final int a;
        private final int b;
        private final int c;

        Field(LongAndInts operator, int[] slots) {
            this.operator = operator;
            to = slots[0];
            a = slots[1];
            b = slots[2];
            c = slots[3];
        }

        @Override
        public void run(Frame f, int mask) {
            int[] r = f.r;
            long[] d = f.d;
            if (mask == -1) {
                for (int i = 0; i < 32; i++) {
                    d[to + i] = operator.apply(d[a + i], r[b + i], r[c + i]);
                }
                return;
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int i = Integer.numberOfTrailingZeros(left);
                d[to + i] = operator.apply(d[a + i], r[b + i], r[c + i]);
            }
        }
    }
}
