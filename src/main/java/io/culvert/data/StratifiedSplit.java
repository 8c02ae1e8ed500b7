package io.culvert.data;

import io.culvert.CulvertException;
import java.util.BitSet;
import java.util.stream.IntStream;

/**
 * A split of a data set in two that keeps the share of every combination of codes. Both parts keep the data set's
 * order.
 *
 * @param first the part that holds the asked fraction
 * @param second the rest
 */
public record StratifiedSplit(Dataset first, Dataset second) {

    /**
     * Splits; the same data set, fraction and seed give the same parts.
     *
     * @param fraction the first part's share of the samples, above 0 and below 1
     * @throws CulvertException of kind USAGE for another fraction, of kind DATA when a part would be empty
     */
    public static StratifiedSplit of(Dataset dataset, double fraction, long seed) {
        if (!(fraction > 0 && fraction < 1)) {
            throw CulvertException.usage("a split takes a fraction between 0 and 1, got %s", fraction);
        }
        int count = (int) Math.round(fraction * dataset.size());
        if (count == 0 || count == dataset.size()) {
            throw CulvertException.data("%d images are too few to split %s of them off", dataset.size(), fraction);
        }
        int[] first = Strata.of(dataset, index -> true, seed).take(count);
        BitSet taken = new BitSet(dataset.size());
        IntStream.of(first).forEach(taken::set);
        int[] second = IntStream.range(0, dataset.size()).filter(index -> !taken.get(index)).toArray();
        return new StratifiedSplit(dataset.subset(first), dataset.subset(second));
    }
}
