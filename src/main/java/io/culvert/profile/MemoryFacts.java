package io.culvert.profile;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * The memory of a run: what stays, and what a step needs at each of its operations (forward ones, then backward ones).
 *
 * @param fixed what lives as long as the run; the step's slab among it
 * @param blocks what lives within a step, shared places and all
 * @param slabBytes what the blocks take when those that do not live together share addresses
 * @param operations how many a step has
 */
public record MemoryFacts(List<Fixed> fixed, List<Block> blocks, long slabBytes, int operations) {
    /** What a block of a step's memory holds. */
    public enum Category {
        ACTIVATION,
        GRADIENT,
        WORKSPACE
    }

    /** Memory of the run and what it is for. */
    public record Fixed(String purpose, long bytes) {}

    /** Memory that is alive from operation {@code first} to {@code last} of a step. */
    public record Block(String tensor, Category category, long bytes, int first, int last) {
        boolean aliveAt(int operation) {
            return first <= operation && operation <= last;
        }
    }

    /** Bytes alive while an operation runs. */
    public Map<Category, Long> aliveAt(int operation) {
        Map<Category, Long> bytes = new EnumMap<>(Category.class);
        for (Category category : Category.values()) {
            bytes.put(category, 0L);
        }
        for (Block block : blocks) {
            if (block.aliveAt(operation)) {
                bytes.merge(block.category, block.bytes, Long::sum);
            }
        }
        return bytes;
    }

    long totalAt(int operation) {
        return blocks.stream().filter(block -> block.aliveAt(operation)).mapToLong(Block::bytes).sum();
    }

    /** The operation during which most is alive; the first of several. */
    public int peak() {
        int peak = 0;
        long most = -1;
        for (int operation = 0; operation < operations; operation++) {
            long bytes = totalAt(operation);
            if (bytes > most) {
                most = bytes;
                peak = operation;
            }
        }
        return peak;
    }

    /** The blocks alive at the peak, largest first. */
    public List<Block> culprits() {
        int peak = peak();
        List<Block> alive = new ArrayList<>(blocks.stream().filter(block -> block.aliveAt(peak)).toList());
        alive.sort(Comparator.comparingLong(Block::bytes).reversed());
        return alive;
    }
}
