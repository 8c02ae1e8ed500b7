package io.culvert.data;

import io.culvert.CulvertException;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Draws the subset of a labelled pool that has a given share of defects, by one of two rules.
 *
 * <p>The published one, of the imbalance study (arXiv 2410.04289): keep all normal images and thin the defects out, or,
 * where the pool has too few defects for the share, keep them all and thin the normals out. A smaller share is then a
 * smaller set as well, so what looks like an effect of imbalance may be one of size. The other rule gives sets of the same
 * size at every share.
 *
 * <p>Defects are thinned evenly over their combinations of codes. Draws with one seed from one pool are nested: the defects
 * of a smaller number of defects are among those of a larger one, and likewise the normal images.
 *
 * <p>Sizes follow the study's arithmetic. Its code reaches a little less (0.1 to 0.4 % of a training set on a stand-in for
 * Sewer-ML, 0.7 to 0.9 % of a test set), because its stratified splits leave out images whose combination of codes is
 * unique and keep one image of every combination back; nothing is left out here.
 */
public final class ImbalanceSampler {
    private ImbalanceSampler() {}

    /** How many of each kind a share takes from a pool. */
    public record Counts(int defective, int normal) {
        public int total() {
            return defective + normal;
        }

        private boolean within(int ofDefective, int ofNormal) {
            return defective <= ofDefective && normal <= ofNormal;
        }
    }

    /**
     * The published rule: {@code defective = min(floor(N p / (1 - p)), D)} and
     * {@code normal = floor(defective (1 - p) / p)}.
     *
     * @param defective D, the pool's defective images
     * @param normal N, its normal ones
     * @param share p, the target share of defects, above 0 and below 1
     * @throws CulvertException of kind DATA when one kind would be missing
     */
    public static Counts counts(int defective, int normal, double share) {
        requireShare(share);
        int wantedDefective = (int) Math.min((long) (normal * share / (1 - share)), defective);
        int wantedNormal = (int) Math.min((long) (wantedDefective * (1 - share) / share), normal);
        if (wantedDefective == 0 || wantedNormal == 0) {
            throw CulvertException.data("%d defective and %d normal images are too few for a share of %s", defective,
                    normal, share);
        }
        return new Counts(wantedDefective, wantedNormal);
    }

    /**
     * The rule of a fixed size: {@code defective = round(size p)}, the others normal.
     *
     * @param defective the pool's defective images
     * @param normal its normal ones
     * @param share p, the target share of defects, above 0 and below 1
     * @param size images of the set
     * @throws CulvertException of kind DATA when the pool lacks images of a kind, or one kind would be missing
     */
    public static Counts fixedSize(int defective, int normal, double share, int size) {
        requireShare(share);
        if (size < 1) {
            throw CulvertException.usage("a set of a fixed size has 1 image or more, got %d", size);
        }
        Counts wanted = ofSize(size, share);
        if (wanted.defective == 0 || wanted.normal == 0) {
            throw CulvertException.data("a set of %d images with a share of defects of %s has no %s image: take a larger set",
                    size, share, wanted.defective == 0 ? "defective" : "normal");
        }
        if (!wanted.within(defective, normal)) {
            throw CulvertException.data("a set of %d images with a share of defects of %s takes %d defective and %d normal "
                    + "images, and there are %d and %d: take a set of at most %d", size, share, wanted.defective,
                    wanted.normal, defective, normal, largestSize(defective, normal, share));
        }
        return wanted;
    }

    /**
     * The most images that a set of one fixed size can have at each of these shares.
     *
     * @param defective the pool's defective images
     * @param normal its normal ones
     * @throws CulvertException of kind DATA when a share would be left without images of a kind
     */
    public static int largestCommonSize(int defective, int normal, List<Double> shares) {
        if (shares.isEmpty()) {
            throw CulvertException.usage("the largest common size is asked for no share at all");
        }
        shares.forEach(ImbalanceSampler::requireShare);
        int largest = shares.stream().mapToInt(share -> largestSize(defective, normal, share)).min().getAsInt();
        for (double share : shares) {
            Counts counts = ofSize(largest, share);
            if (counts.defective == 0 || counts.normal == 0) {
                throw CulvertException.data("%d defective and %d normal images give no set of one size for the shares of "
                        + "defects %s: it would have %d images, and at %s none %s", defective, normal, shares, largest,
                        share, counts.defective == 0 ? "defective" : "normal");
            }
        }
        return largest;
    }

    /** Draws by the published rule; the subset is in the pool's order. See {@link #indices(Dataset, double, long)}. */
    public static Dataset draw(Dataset pool, double share, long seed) {
        return pool.subset(indices(pool, share, seed));
    }

    /** Draws a set of a fixed size, in the pool's order. See {@link #indices(Dataset, double, int, long)}. */
    public static Dataset draw(Dataset pool, double share, int size, long seed) {
        return pool.subset(indices(pool, share, size, seed));
    }

    /**
     * Draws by the published rule, where each image's place in the pool is what is wanted: one pass of encoding the pool
     * then serves the test sets of all shares.
     *
     * @return indices into the pool, ascending; the same for the same pool, share and seed
     * @throws CulvertException of kind DATA when the pool has unlabelled images or is too small for the share
     */
    public static int[] indices(Dataset pool, double share, long seed) {
        requireLabels(pool);
        return take(pool, counts(pool.defectCount(), pool.size() - pool.defectCount(), share), seed);
    }

    /** As {@link #indices(Dataset, double, long)}, {@code size} of them whatever the share. */
    public static int[] indices(Dataset pool, double share, int size, long seed) {
        requireLabels(pool);
        return take(pool, fixedSize(pool.defectCount(), pool.size() - pool.defectCount(), share, size), seed);
    }

    private static int[] take(Dataset pool, Counts counts, long seed) {
        int[] defective = Strata.of(pool, i -> pool.get(i).defective(), seed).take(counts.defective());
        int[] normal = Strata.of(pool, i -> !pool.get(i).defective(), seed).take(counts.normal());
        return IntStream.concat(IntStream.of(defective), IntStream.of(normal)).sorted().toArray();
    }

    private static Counts ofSize(int size, double share) {
        int defective = (int) Math.round(size * share);
        return new Counts(defective, size - defective);
    }

    /** Both counts of {@link #ofSize} rise with the size, so what fits is found by halving. */
    private static int largestSize(int defective, int normal, double share) {
        int fits = 0;
        int tooLarge = defective + normal + 1;
        while (tooLarge - fits > 1) {
            int middle = (fits + tooLarge) >>> 1;
            if (ofSize(middle, share).within(defective, normal)) {
                fits = middle;
            } else {
                tooLarge = middle;
            }
        }
        return fits;
    }

    private static void requireShare(double share) {
        if (!(share > 0 && share < 1)) {
            throw CulvertException.usage("the share of defects is between 0 and 1, got %s", share);
        }
    }

    private static void requireLabels(Dataset pool) {
        if (!pool.labelled()) {
            throw CulvertException.data("%s: a share of defects needs labels, and the CSV lists file names only",
                    pool.images());
        }
    }
}
