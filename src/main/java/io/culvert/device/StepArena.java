package io.culvert.device;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The memory of one step: every activation, gradient and scratch block, placed once before the first step. Each block
 * says when it is first and last used, once or in two separate times; blocks whose times do not overlap share addresses. Placement is greedy by size
 * (largest first, lowest fitting offset), as in offline memory planners for inference engines; it is deterministic, so
 * every step and every process uses the same addresses.
 */
public final class StepArena {
    private static final long ALIGNMENT = 64;

    private static final class Block {
        final long bytes;
        /** Pairs of from and to. */
        final int[] times;

        long offset = -1;

        Block(long bytes, int... times) {
            this.bytes = bytes;
            this.times = times;
        }

        boolean overlapsInTime(Block other) {
            for (int i = 0; i < times.length; i += 2) {
                for (int j = 0; j < other.times.length; j += 2) {
                    if (times[i] <= other.times[j + 1] && other.times[j] <= times[i + 1]) {
                        return true;
                    }
                }
            }
            return false;
        }
    }

    private final List<Block> blocks = new ArrayList<>();
    private long peak;

    /** Asks for {@code bytes} alive over the closed interval {@code [from, to]} of operation times; returns its id. */
    public int request(long bytes, int from, int to) {
        return add(bytes, from, to);
    }

    /** As the other, alive again over {@code [again, until]} at the same address; in between it may be another's. */
    public int request(long bytes, int from, int to, int again, int until) {
        return add(bytes, from, to, again, until);
    }

    private int add(long bytes, int... times) {
        blocks.add(new Block((bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT, times));
        return blocks.size() - 1;
    }

    /** Places all requests. */
    public void plan() {
        List<Block> order = new ArrayList<>(blocks);
        order.sort(Comparator.comparingLong((Block block) -> -block.bytes));
        List<Block> placed = new ArrayList<>();
        for (Block block : order) {
            block.offset = lowestFit(block, placed);
            peak = Math.max(peak, block.offset + block.bytes);
            placed.add(block);
            placed.sort(Comparator.comparingLong(b -> b.offset));
        }
    }

    private static long lowestFit(Block block, List<Block> placedByOffset) {
        long offset = 0;
        for (Block other : placedByOffset) {
            if (!block.overlapsInTime(other)) {
                continue;
            }
            if (offset + block.bytes <= other.offset) {
                break;
            }
            offset = Math.max(offset, other.offset + other.bytes);
        }
        return offset;
    }

    public long offset(int id) {
        return blocks.get(id).offset;
    }

    /** Bytes that the planned step needs at once, sharing included. */
    public long peakBytes() {
        return peak;
    }
}
