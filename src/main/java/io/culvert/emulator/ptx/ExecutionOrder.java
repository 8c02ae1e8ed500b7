package io.culvert.emulator.ptx;

import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * The order in which blocks, the warps of a block, the two sides of a branch and the lanes of an atomic run. A correct
 * kernel gives the same result in any (up to rounding where it sums atomically): try several.
 *
 * @param seed for {@link Mode#SHUFFLED}
 */
public record ExecutionOrder(Mode mode, long seed) {
    public enum Mode {
        FORWARD,
        REVERSE,
        SHUFFLED
    }

    public static final ExecutionOrder FORWARD = new ExecutionOrder(Mode.FORWARD, 0);
    public static final ExecutionOrder REVERSE = new ExecutionOrder(Mode.REVERSE, 0);

    public static ExecutionOrder shuffled(long seed) {
        return new ExecutionOrder(Mode.SHUFFLED, seed);
    }

    /** Whether a branch's taken side, and an atomic's lowest lane, go first. */
    boolean takenFirst() {
        return mode != Mode.REVERSE;
    }

    RandomGenerator random() {
        return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    }

    /** Puts 0 .. length - 1 into {@code order} as this order has them. */
    void arrange(int[] order, RandomGenerator random) {
        int n = order.length;
        for (int i = 0; i < n; i++) {
            order[i] = mode == Mode.REVERSE ? n - 1 - i : i;
        }
        for (int i = n - 1; mode == Mode.SHUFFLED && i > 0; i--) {
            int other = random.nextInt(i + 1);
            int kept = order[i];
            order[i] = order[other];
            order[other] = kept;
        }
    }
}
