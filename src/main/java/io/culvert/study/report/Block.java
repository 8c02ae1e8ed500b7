package io.culvert.study.report;

import java.util.Comparator;

/**
 * What runs share that differ in their network alone.
 *
 * @param sampling how the training set was drawn
 * @param share of defects in it
 */
public record Block(String sampling, double share, long seed) implements Comparable<Block> {
    private static final Comparator<Block> ORDER = Comparator.comparing(Block::sampling)
            .thenComparing(Block::share, Comparator.reverseOrder())
            .thenComparing(Block::seed);

    @Override
    public int compareTo(Block other) {
        return ORDER.compare(this, other);
    }
}
