package io.culvert.metric;

import io.culvert.CounterRng;
import io.culvert.CulvertException;
import java.util.stream.IntStream;

/**
 * The two parts of CLID (Lu et al. 2022, arXiv 2206.01251), which adds them after each has been standardised over the
 * runs that are compared: how well clusters of the embeddings can be learnt, and how many dimensions they fill.
 */
public final class Clid {
    private Clid() {}

    /** K of the clusters for n images: the square root of n, at least 2. */
    public static int clusters(int n) {
        return Math.max(2, (int) Math.round(Math.sqrt(n)));
    }

    /**
     * Learnability: all rows are clustered by k-means, and one half of them (drawn by the seed) gets the cluster of its
     * nearest neighbour in the other half; the share that is right. Higher is better.
     *
     * @throws CulvertException of kind DATA for fewer than four rows, or fewer distinct rows than clusters
     */
    public static double learnability(Embeddings embeddings, int clusters, long seed) {
        int n = embeddings.images();
        if (n < 4) {
            throw CulvertException.data("learnability needs at least 4 images, got %d", n);
        }
        int[] label = KMeans.of(embeddings.clean(), n, embeddings.width(), clusters, seed).cluster();
        int[] order = IntStream.range(0, n).toArray();
        new CounterRng().key(seed, 1, 0, 0).shuffle(order, n);
        double[] distances = embeddings.distances();
        int right = 0;
        for (int a = n / 2; a < n; a++) {
            int nearest = order[0];
            for (int b = 1; b < n / 2; b++) {
                nearest = distances[order[a] * n + order[b]] < distances[order[a] * n + nearest] ? order[b] : nearest;
            }
            right += label[nearest] == label[order[a]] ? 1 : 0;
        }
        return (double) right / (n - n / 2);
    }

    /**
     * Intrinsic dimension by two nearest neighbours (Facco et al., Scientific Reports 2017): the likeliest exponent of
     * the Pareto distribution that the quotients of a row's second and first distance follow,
     * {@code m / sum ln(r_2 / r_1)} over the m rows that have no twin. Higher is better.
     *
     * @throws CulvertException of kind DATA for fewer than three rows, or when no row has a neighbour nearer than
     *     another
     */
    public static double dimension(Embeddings embeddings) {
        int n = embeddings.images();
        double[] distances = embeddings.distances();
        double sum = 0;
        int count = 0;
        for (int i = 0; i < n && n > 2; i++) {
            double first = Double.POSITIVE_INFINITY;
            double second = Double.POSITIVE_INFINITY;
            for (int j = 0; j < n; j++) {
                double distance = j == i ? Double.POSITIVE_INFINITY : distances[i * n + j];
                second = Math.min(second, Math.max(first, distance));
                first = Math.min(first, distance);
            }
            if (first > 0) {
                sum += Math.log(second / first) / 2;
                count++;
            }
        }
        if (!(sum > 0)) {
            throw CulvertException.data(
                    "the intrinsic dimension needs at least 3 images that differ, got %d of %d", count, n);
        }
        return count / sum;
    }
}
