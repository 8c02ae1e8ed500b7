package io.culvert.emulator.ptx;

/**
 * The last times at which a warp's lanes parted. Holds the latest {@value #CAPACITY}; of lanes that parted before, it
 * says that they did at the end of time, so that a race may be missed but none is made up.
 */
final class Splits {
    private static final int CAPACITY = 64;

    private final int[] times = new int[CAPACITY];
    private final int[] taken = new int[CAPACITY];
    private final int[] others = new int[CAPACITY];
    private int count;

    void add(int time, int takenLanes, int otherLanes) {
        int at = count++ & CAPACITY - 1;
        times[at] = time;
        taken[at] = takenLanes;
        others[at] = otherLanes;
    }

    /** When lanes a and b last took different sides of a branch. */
    int timeOf(int a, int b) {
        for (int back = 1; back <= Math.min(count, CAPACITY); back++) {
            int at = count - back & CAPACITY - 1;
            int side = taken[at] >>> a & 1;
            if (side != (taken[at] >>> b & 1) && (others[at] >>> (side == 1 ? b : a) & 1) == 1) {
                return times[at];
            }
        }
        return Integer.MAX_VALUE;
    }

    void clear() {
        count = 0;
    }
}
