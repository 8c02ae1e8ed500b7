package io.culvert.metric;

import io.culvert.CulvertException;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Scores of our own for embeddings in which rare anomalies shall be found: not how rich all of the spectrum is, which a
 * few images in a hundred hardly move, but what becomes of the images that lie farthest from the others.
 *
 * <p>The outlyingness of an image is its distance to its t-th nearest neighbour, on embeddings divided by their
 * lengths; the tail are the t images with the highest one, {@code t = ceil(share n)} (equal ones: the first). With the
 * same t in both, a group of up to t images alike cannot hide from the tail by being compact, for its members' t-th
 * neighbour lies outside of it.
 *
 * <p>None of the scores changes when embeddings are scaled or rotated. All are undefined (an exception of kind DATA)
 * where the tail is, for fewer than {@code 1 / share} images or when all images are equally outlying, as collapsed ones
 * are.
 */
public final class Tail {
    private Tail() {}

    /**
     * TailAgreement: how far two views of the same images have the same tail, {@code (o - t/n) / (1 - t/n)} with o the
     * share of one's tail that is in the other's: 1 for the same images, 0 for as many as chance has. Higher is better:
     * what makes an image an outlier should be in the image, and not in how it was cropped and coloured.
     */
    public static double agreement(Embeddings embeddings, double share) {
        int n = embeddings.viewed();
        boolean[] first = members(n, outliers(embeddings.unitDistances(0), n, share));
        int[] second = outliers(embeddings.unitDistances(1), n, share);
        double common = Arrays.stream(second).filter(i -> first[i]).count();
        return aboveChance(common / second.length, (double) second.length / n);
    }

    /**
     * OutlyingnessAgreement: Spearman's correlation of all images' outlyingness in two views. The same question as
     * {@link #agreement} without an edge between tail and bulk. Higher is better.
     */
    public static double correlation(Embeddings embeddings, double share) {
        double[][] views = {embeddings.unitDistances(0), embeddings.unitDistances(1)};
        int n = embeddings.viewed();
        double[] first = outlyingness(views[0], n, size(n, share));
        double[] second = outlyingness(views[1], n, size(n, share));
        requireVaries(first);
        requireVaries(second);
        return Correlation.spearman(first, second);
    }

    /**
     * OutlierStability: the share of an outlier's k nearest neighbours in one view that are among its k nearest in the
     * other, meant over the tails of both views, less what chance has as in {@link #agreement}. Higher is better: an
     * encoder that knows what a rare image shows puts it next to the same images whatever the view, one that does not
     * puts it anywhere.
     *
     * @param neighbours k, at most n - 2
     */
    public static double stability(Embeddings embeddings, double share, int neighbours) {
        double[][] views = {embeddings.unitDistances(0), embeddings.unitDistances(1)};
        int n = embeddings.viewed();
        int k = Math.min(neighbours, n - 2);
        double kept = 0;
        int count = 0;
        for (double[] tailOf : views) {
            for (int i : outliers(tailOf, n, share)) {
                boolean[] first = members(n, nearest(views[0], n, i, k));
                kept += Arrays.stream(nearest(views[1], n, i, k)).filter(j -> first[j]).count();
                count += k;
            }
        }
        return aboveChance(kept / count, k / (n - 1.0));
    }

    /**
     * TailClumping: the share of the k nearest neighbours of the tail's images that lie in the tail too, less what
     * chance has: near 1 when the tail is made of groups of like images, 0 or less when every outlier lies by itself.
     * Higher is better: rare anomalies that an encoder recognises resemble one another more than they do the bulk.
     *
     * @param neighbours k, at most t - 1
     * @throws CulvertException of kind DATA also for a tail of a single image
     */
    public static double clumping(Embeddings embeddings, double share, int neighbours) {
        int n = embeddings.images();
        double[] distances = embeddings.unitDistances();
        int[] tail = outliers(distances, n, share);
        int k = Math.min(neighbours, tail.length - 1);
        if (k == 0) {
            throw CulvertException.data("a tail of one image has no neighbours of its own: %d images are too few", n);
        }
        boolean[] inTail = members(n, tail);
        double within = 0;
        for (int i : tail) {
            within += Arrays.stream(nearest(distances, n, i, k)).filter(j -> inTail[j]).count();
        }
        return aboveChance(within / ((double) k * tail.length), (tail.length - 1.0) / (n - 1));
    }

    /**
     * TailGap: the share of the tail's squared distance from the bulk's mean that lies outside of the bulk's leading
     * subspace, less the same share of the bulk itself. That subspace are the fewest principal directions with 90 % of
     * the variance. It is fitted on every second image of the bulk and the bulk's own share taken from the others, so
     * that neither side of the comparison was fitted. Higher is better: 0 when outliers are extreme cases of what
     * varies anyway, up to 1 when they have directions of their own, in which a linear probe can tell them.
     *
     * @param held the share of the bulk's variance in its leading subspace, e.g. 0.9
     */
    public static double gap(Embeddings embeddings, double share, double held) {
        int n = embeddings.images();
        int d = embeddings.width();
        double[] unit = Rows.unit(embeddings.clean(), n, d);
        int[] tail = outliers(embeddings.unitDistances(), n, share);
        boolean[] inTail = members(n, tail);
        int[] bulk = IntStream.range(0, n).filter(i -> !inTail[i]).toArray();
        int[] fit = IntStream.range(0, bulk.length).filter(i -> i % 2 == 0).map(i -> bulk[i]).toArray();
        int[] reference = IntStream.range(0, bulk.length).filter(i -> i % 2 == 1).map(i -> bulk[i]).toArray();
        double[] mean = Rows.mean(unit, d, fit);
        double[] directions = Spectrum.leadingDirections(Rows.centred(unit, d, fit, mean), fit.length, d, held);
        return outside(Rows.centred(unit, d, tail, mean), directions, d)
                - outside(Rows.centred(unit, d, reference, mean), directions, d);
    }

    /** The share of the rows' squared length that is orthogonal to all directions. */
    private static double outside(double[] rows, double[] directions, int d) {
        double whole = 0;
        double inside = 0;
        for (int i = 0; i < rows.length; i += d) {
            for (int j = 0; j < d; j++) {
                whole += rows[i + j] * rows[i + j];
            }
            for (int k = 0; k < directions.length; k += d) {
                double product = 0;
                for (int j = 0; j < d; j++) {
                    product += rows[i + j] * directions[k + j];
                }
                inside += product * product;
            }
        }
        return whole == 0 ? 0 : 1 - inside / whole;
    }

    private static int size(int n, double share) {
        if (n * share < 1 || n < 4) {
            throw CulvertException.data(
                    "a tail of %s %% needs at least %d images, got %d", Math.round(1000 * share) / 10.0,
                    Math.max(4, (int) Math.ceil(1 / share)), n);
        }
        // A product that is whole may come out a rounding above it.
        return (int) Math.ceil(n * share * (1 - 1e-12));
    }

    /** The indices of the tail, the farthest image first. */
    static int[] outliers(double[] distances, int n, double share) {
        int t = size(n, share);
        double[] outlyingness = outlyingness(distances, n, t);
        requireVaries(outlyingness);
        double[] nearness = Arrays.stream(outlyingness).map(x -> -x).toArray();
        return Arrays.copyOf(Order.ascending(nearness), t);
    }

    private static void requireVaries(double[] outlyingness) {
        if (Arrays.stream(outlyingness).allMatch(x -> x == outlyingness[0])) {
            throw CulvertException.data(
                    "there is no tail: all %d images are equally far from the others", outlyingness.length);
        }
    }

    /** The squared distance of every row to its k-th nearest other one. */
    private static double[] outlyingness(double[] distances, int n, int k) {
        double[] outlyingness = new double[n];
        double[] others = new double[n - 1];
        for (int i = 0; i < n; i++) {
            System.arraycopy(distances, i * n, others, 0, i);
            System.arraycopy(distances, i * n + i + 1, others, i, n - 1 - i);
            Arrays.sort(others);
            outlyingness[i] = others[k - 1];
        }
        return outlyingness;
    }

    private static int[] nearest(double[] distances, int n, int i, int k) {
        double[] row = Arrays.copyOfRange(distances, i * n, (i + 1) * n);
        row[i] = Double.POSITIVE_INFINITY;
        return Arrays.copyOf(Order.ascending(row), k);
    }

    private static boolean[] members(int n, int[] indices) {
        boolean[] members = new boolean[n];
        for (int i : indices) {
            members[i] = true;
        }
        return members;
    }

    private static double aboveChance(double share, double chance) {
        return (share - chance) / (1 - chance);
    }
}
