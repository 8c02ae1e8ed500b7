package io.culvert.emulator.ptx;

import java.util.Arrays;

/** A warp's copies from global to shared memory that are in flight. The bytes arrive at the wait and not before. */
final class AsyncCopies {
    private final Warp warp;

    /** Per lane, the number of the group that copies join now: so many were committed. */
    private final int[] group = new int[32];

    private int count;
    private int[] lanes = new int[64];
    private int[] groups = new int[64];
    private int[] bytes = new int[64];
    private long[] targets = new long[64];
    private long[] data = new long[128];
    private Instruction[] by = new Instruction[64];

    AsyncCopies(Warp warp) {
        this.warp = warp;
    }

    void clear() {
        count = 0;
        Arrays.fill(group, 0);
    }

    /** Starts a copy of 4, 8 or 16 bytes, given as two words. */
    void add(int lane, long target, int size, long low, long high, Instruction instruction) {
        if (count == lanes.length) {
            int capacity = 2 * count;
            lanes = Arrays.copyOf(lanes, capacity);
            groups = Arrays.copyOf(groups, capacity);
            bytes = Arrays.copyOf(bytes, capacity);
            targets = Arrays.copyOf(targets, capacity);
            data = Arrays.copyOf(data, 2 * capacity);
            by = Arrays.copyOf(by, capacity);
        }
        lanes[count] = lane;
        groups[count] = group[lane];
        bytes[count] = size;
        targets[count] = target;
        data[2 * count] = low;
        data[2 * count + 1] = high;
        by[count++] = instruction;
        warp.block.shared.beginCopy(target, size);
    }

    void commit(int mask) {
        for (int left = mask; left != 0; left &= left - 1) {
            group[Integer.numberOfTrailingZeros(left)]++;
        }
    }

    /** Delivers, for each lane, all groups but the last {@code pending} that it committed. */
    void await(Frame f, int mask, int pending) {
        int kept = 0;
        warp.time++;
        for (int i = 0; i < count; i++) {
            int lane = lanes[i];
            if ((mask >>> lane & 1) != 0 && groups[i] < group[lane] - pending) {
                deliver(f, i);
            } else {
                keep(i, kept++);
            }
        }
        Arrays.fill(by, kept, count, null);
        count = kept;
    }

    private void keep(int from, int to) {
        lanes[to] = lanes[from];
        groups[to] = groups[from];
        bytes[to] = bytes[from];
        targets[to] = targets[from];
        data[2 * to] = data[2 * from];
        data[2 * to + 1] = data[2 * from + 1];
        by[to] = by[from];
    }

    private void deliver(Frame f, int i) {
        SharedMemory shared = warp.block.shared;
        shared.endCopy(targets[i], bytes[i]);
        if (shared.races != null) {
            shared.races.touch(SharedRaces.Access.WRITE, f, lanes[i], (int) targets[i], bytes[i], by[i]);
        }
        int word = Math.min(bytes[i], 8);
        shared.region.store(targets[i], word, data[2 * i]);
        if (bytes[i] == 16) {
            shared.region.store(targets[i] + 8, 8, data[2 * i + 1]);
        }
    }
}
