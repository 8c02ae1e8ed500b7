package io.culvert.emulator.ptx;

/**
 * Loops over lanes with a predicate as result. The factories take slots, the result's first. {@link LoopClones} copies
 * the classes, so they use nothing that is private to this file.
 */
final class PredicateLoops {
    /** A test of two ints. */
    interface IntTest {
        boolean test(int a, int b);
    }

    /** A test of two longs. */
    interface LongTest {
        boolean test(long a, long b);
    }

    private PredicateLoops() {}

    static Action ints(int to, int a, int b, IntTest operator) {
        return LoopClones.make(Ints.class, operator, to, a, b);
    }

    static Action longs(int to, int a, int b, LongTest operator) {
        return LoopClones.make(Longs.class, operator, to, a, b);
    }

    static final class Ints implements Action {
        private final IntTest operator;
        private final int to;
        private final int a;
        private final int b;

        Ints(IntTest operator, int[] slots) {
            this.operator = operator;
            to = slots[0];
            a = slots[1];
            b = slots[2];
        }

        @Override
        public void run(Frame f, int mask) {
            int[] r = f.r;
            int holds = 0;
            for (int i = 0; i < 32; i++) {
                holds |= operator.test(r[a + i], r[b + i]) ? 1 << i : 0;
            }
            f.p[to] = f.p[to] & ~mask | holds & mask;
        }
    }

    static final class Longs implements Action {
        private final LongTest operator;
        private final int to;
        private final int a;
        private final int b;

        Longs(LongTest operator, int[] slots) {
            this.operator = operator;
            to = slots[0];
            a = slots[1];
            b = slots[2];
        }

        @Override
        public void run(Frame f, int mask) {
            long[] d = f.d;
            int holds = 0;
            for (int i = 0; i < 32; i++) {
                holds |= operator.test(d[a + i], d[b + i]) ? 1 << i : 0;
            }
            f.p[to] = f.p[to] & ~mask | holds & mask;
        }
    }
}
