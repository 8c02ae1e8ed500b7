package io.culvert.emulator.ptx;

import java.util.Arrays;

/** One of the 16 barriers of a block. */
final class BarrierState {
    int arrived;
    int expected;

    /** What the warps that arrived know of each warp's past: see {@link SharedRaces}. */
    final int[] joined;

    int trueCount;
    int threadCount;

    BarrierState(int warps) {
        joined = new int[warps];
    }

    void clear() {
        arrived = 0;
        expected = 0;
        trueCount = 0;
        threadCount = 0;
        Arrays.fill(joined, 0);
    }
}
