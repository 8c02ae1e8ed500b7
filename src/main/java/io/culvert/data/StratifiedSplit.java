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
        return parts(dataset, Strata.of(dataset, index -> true, seed).take(count(dataset, fraction)));
    }

    /**
     * Splits whole groups: no group has images in both parts. The shares of the single codes and of defective images are
     * kept as well as that allows, and the first part may have fewer images than the fraction says, never more.
     *
     * @param groupBy as {@link Groups#of} takes it; empty: as {@link #of(Dataset, double, long)}
     * @throws CulvertException also of kind DATA when no group is small enough for a part
     */
    public static StratifiedSplit of(Dataset dataset, double fraction, long seed, String groupBy) {
        if (groupBy.isEmpty()) {
            return of(dataset, fraction, seed);
        }
        int count = count(dataset, fraction);
        Groups groups = Groups.of(groupBy, dataset.samples());
        int[] first = GroupSplit.take(groups.ids(), marks(dataset), count, seed);
        if (first.length == 0) {
            throw CulvertException.data("data.group_by: no part of the %d groups of %d images comes near %d images: take "
                    + "more", groups.names().size(), dataset.size(), count);
        }
        return parts(dataset, first);
    }

    /** A bit for each code, one for defective, one for normal. */
    private static int[] marks(Dataset dataset) {
        int defective = 1 << DefectCode.values().length;
        return dataset.samples().stream()
                .mapToInt(sample -> sample.defective() ? sample.codes() | defective : defective << 1)
                .toArray();
    }

    private static int count(Dataset dataset, double fraction) {
        if (!(fraction > 0 && fraction < 1)) {
            throw CulvertException.usage("a split takes a fraction between 0 and 1, got %s", fraction);
        }
        int count = (int) Math.round(fraction * dataset.size());
        if (count == 0 || count == dataset.size()) {
            throw CulvertException.data("%d images are too few to split %s of them off", dataset.size(), fraction);
        }
        return count;
    }

    private static StratifiedSplit parts(Dataset dataset, int[] first) {
        BitSet taken = new BitSet(dataset.size());
        IntStream.of(first).forEach(taken::set);
        int[] second = IntStream.range(0, dataset.size()).filter(index -> !taken.get(index)).toArray();
        return new StratifiedSplit(dataset.subset(first), dataset.subset(second));
    }
}
