package io.culvert.emulator.ptx;

import java.util.function.IntBinaryOperator;
import java.util.function.IntUnaryOperator;
import java.util.function.LongToIntFunction;

/**
 * Loops over lanes with a 32-bit result. The factories take slots, the result's first. {@link LoopClones} copies the
 * classes, so they use nothing that is private to this file.
 */
final class IntLoops {
    /** An operator on three ints. */
    interface IntTernary {
        int apply(int a, int b, int c);
    }

    /** An operator on two longs with an int result. */
    interface LongsToInt {
        int apply(long a, long b);
    }

    private IntLoops() {}

    static Action unary(int to, int a, IntUnaryOperator operator) {
        return LoopClones.make(Unary.class, operator, to, a);
    }

    static Action binary(int to, int a, int b, IntBinaryOperator operator) {
        return LoopClones.make(Binary.class, operator, to, a, b);
    }

    static Action ternary(int to, int a, int b, int c, IntTernary operator) {
        return LoopClones.make(Ternary.class, operator, to, a, b, c);
    }

    static Action narrow(int to, int a, LongToIntFunction operator) {
        return LoopClones.make(Narrow.class, operator, to, a);
    }

    static Action narrow(int to, int a, int b, LongsToInt operator) {
        return LoopClones.make(NarrowBinary.class, operator, to, a, b);
    }

    static final class Unary implements Action {
        private final IntUnaryOperator operator;
        private final int to;
        private final int a;

        Unary(IntUnaryOperator operator, int[] slots) {
            this.operator = operator;
            to = slots[0];
            a = slots[1];
        }

        @Override
        public void run(Frame f, int mask) {
            int[] r = f.r;
            if (mask == -1) {
                for (int i = 0; i < 32; i++) {
                    r[to + i] = operator.applyAsInt(r[a + i]);
                }
                return;
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int i = Integer.numberOfTrailingZeros(left);
                r[to + i] = operator.applyAsInt(r[a + i]);
            }
        }
    }

    static final class Binary implements Action {
        private final IntBinaryOperator operator;
        private final int to;
        private final int a;
        private final int b;

        Binary(IntBinaryOperator operator, int[] slots) {
            this.operator = operator;
            to = slots[0];
            a = slots[1];
            b = slots[2];
        }

        @Override
        public void run(Frame f, int mask) {
            int[] r = f.r;
            if (mask == -1) {
                for (int i = 0; i < 32; i++) {
                    r[to + i] = operator.applyAsInt(r[a + i], r[b + i]);
                }
                return;
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int i = Integer.numberOfTrailingZeros(left);
                r[to + i] = operator.applyAsInt(r[a + i], r[b + i]);
            }
        }
    }

    static final class Ternary implements Action {
        private final IntTernary operator;
        private final int to;
        private final int a;
        private final int b;
        private final int c;

        Ternary(IntTernary operator, int[] slots) {
            this.operator = operator;
            to = slots[0];
            a = slots[1];
            b = slots[2];
            c = slots[3];
        }

        @Override
        public void run(Frame f, int mask) {
            int[] r = f.r;
            if (mask == -1) {
                for (int i = 0; i < 32; i++) {
                    r[to + i] = operator.apply(r[a + i], r[b + i], r[c + i]);
                }
                return;
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int i = Integer.numberOfTrailingZeros(left);
                r[to + i] = operator.apply(r[a + i], r[b + i], r[c + i]);
            }
        }
    }

    static final class Narrow implements Action {
        private final LongToIntFunction operator;
        private final int to;
        private final int a;

        Narrow(LongToIntFunction operator, int[] slots) {
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
                    r[to + i] = operator.applyAsInt(d[a + i]);
                }
                return;
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int i = Integer.numberOfTrailingZeros(left);
                r[to + i] = operator.applyAsInt(d[a + i]);
            }
        }
    }

    static final class NarrowBinary implements Action {
        private final LongsToInt operator;
        private final int to;
        private final int a;
        private final int b;

        NarrowBinary(LongsToInt operator, int[] slots) {
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
                    r[to + i] = operator.apply(d[a + i], d[b + i]);
                }
                return;
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int i = Integer.numberOfTrailingZeros(left);
                r[to + i] = operator.apply(d[a + i], d[b + i]);
            }
        }
    }
}
