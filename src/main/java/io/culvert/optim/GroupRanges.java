package io.culvert.optim;

import io.culvert.tensor.ParameterStore;
import java.util.Arrays;

/** A slab on the CPU as ranges of one group each, in floats, padding included. */
final class GroupRanges {
    /** Updates a range by its group's rates, which begin at {@code rates[at]}. */
    interface Move {
        void run(int from, int to, int at);
    }

    private final int[] ends;
    private final int[] groups;
    private final int width;
    private final float[] rates;

    /** @param width numbers that a group has in {@code rates} */
    GroupRanges(ParameterStore store, Groups groups, float[] rates, int width) {
        this.rates = rates;
        this.width = width;
        byte[] chunks = groups.chunks(store);
        int count = 0;
        int[] ends = new int[chunks.length];
        int[] kinds = new int[chunks.length];
        for (int i = 0; i < chunks.length; i++) {
            if (i == 0 || chunks[i] != chunks[i - 1]) {
                kinds[count++] = chunks[i];
            }
            ends[count - 1] = (i + 1) * Groups.CHUNK;
        }
        this.ends = Arrays.copyOf(ends, count);
        this.groups = Arrays.copyOf(kinds, count);
    }

    /** Moves what lies in {@code [from, to)}, but for groups whose first rate is no number. */
    void run(int from, int to, Move move) {
        int start = 0;
        for (int i = 0; i < ends.length && start < to; i++) {
            int at = groups[i] * width;
            int first = Math.max(from, start);
            int end = Math.min(to, ends[i]);
            if (first < end && !Float.isNaN(rates[at])) {
                move.run(first, end, at);
            }
            start = ends[i];
        }
    }
}
