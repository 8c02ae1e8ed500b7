package io.culvert.data;

import io.culvert.CulvertException;
import java.util.stream.IntStream;

/**
 * Draws the subset of a labelled pool that has a given share of defects, by the rule of the imbalance study (arXiv
 * 2410.04289): keep all normal images and thin the defects out, or, where the pool has too few defects for the share,
 * keep them all and thin the normals out. Defects are thinned evenly over their combinations of codes.
 */
public final class ImbalanceSampler {
    private ImbalanceSampler() {}

    /** How many of each kind a share takes from a pool. */
    public record Counts(int defective, int normal) {
        public int total() {
            return defective + normal;
        }
    }

    /**
     * {@code defective = min(floor(N p / (1 - p)), D)} and {@code normal = floor(defective (1 - p) / p)}.
     *
     * @param defective D, the pool's defective images
     * @param normal N, its normal ones
     * @param share p, the target share of defects, above 0 and below 1
     */
    public static Counts counts(int defective, int normal, double share) {
        if (!(share > 0 && share < 1)) {
            throw CulvertException.usage("the share of defects is between 0 and 1, got %s", share);
        }
        int wantedDefective = (int) Math.min((long) (normal * share / (1 - share)), defective);
        int wantedNormal = (int) Math.min((long) (wantedDefective * (1 - share) / share), normal);
        return new Counts(wantedDefective, wantedNormal);
    }

    /**
     * Draws the subset, in the pool's order; the same pool, share and seed give the same subset.
     *
     * @throws CulvertException of kind DATA when the pool has unlabelled images or is too small for the share
     */
    public static Dataset draw(Dataset pool, double share, long seed) {
        if (!pool.labelled()) {
            throw CulvertException.data("%s: a share of defects needs labels, and the CSV lists file names only",
                    pool.images());
        }
        int defectCount = pool.defectCount();
        Counts counts = counts(defectCount, pool.size() - defectCount, share);
        if (counts.defective() == 0 || counts.normal() == 0) {
            throw CulvertException.data("%d defective and %d normal images are too few for a share of %s", defectCount,
                    pool.size() - defectCount, share);
        }
        int[] defective = Strata.of(pool, i -> pool.get(i).defective(), seed).take(counts.defective());
        int[] normal = Strata.of(pool, i -> !pool.get(i).defective(), seed).take(counts.normal());
        int[] chosen = IntStream.concat(IntStream.of(defective), IntStream.of(normal)).sorted().toArray();
        return pool.subset(chosen);
    }
}
