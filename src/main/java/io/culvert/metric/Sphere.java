package io.culvert.metric;

import io.culvert.CulvertException;

/** Scores of embeddings as directions: rows {@code z} divided by their lengths, {@code u = z / |z|}. */
public final class Sphere {
    private Sphere() {}

    /**
     * Uniformity (Wang and Isola, ICML 2020, equation 9): {@code ln mean exp(-t |u_i - u_j|^2)} over pairs
     * {@code i != j}. Lower is more even; 0 when all rows point one way.
     *
     * @param t 2 in the paper
     * @throws CulvertException of kind DATA for fewer than two rows
     */
    public static double uniformity(Embeddings embeddings, double t) {
        int n = requirePairs("uniformity", embeddings);
        double[] distances = embeddings.unitDistances();
        double sum = 0;
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < i; j++) {
                sum += Math.exp(-t * distances[i * n + j]);
            }
        }
        return Math.log(2 * sum / ((double) n * (n - 1)));
    }

    /**
     * Alignment (the same, equation 8, alpha = 2): the mean of {@code |u - u'|^2} over images and pairs of their views.
     * Lower is more invariant; 0 for collapsed rows too.
     *
     * @throws CulvertException of kind DATA for fewer than two views
     */
    public static double alignment(Embeddings embeddings) {
        embeddings.requireViews(2);
        int q = embeddings.views();
        int d = embeddings.width();
        double[] unit = Rows.unit(embeddings.allViews(), embeddings.viewed() * q, d);
        double sum = 0;
        for (int image = 0; image < embeddings.viewed(); image++) {
            for (int a = image * q; a < (image + 1) * q; a++) {
                for (int b = image * q; b < a; b++) {
                    for (int j = 0; j < d; j++) {
                        double difference = unit[a * d + j] - unit[b * d + j];
                        sum += difference * difference;
                    }
                }
            }
        }
        return sum / (embeddings.viewed() * (q * (q - 1) / 2.0));
    }

    /**
     * SelfCluster (Tsitsulin, Munkhoeva and Perozzi 2023, arXiv 2305.16562): {@code (|U U^T|_F^2 - E) / (n^2 - E)} with
     * {@code E = n + n (n - 1) / d}, what rows of any direction have. 0 for those, 1 when all point one way; lower is
     * better.
     *
     * @throws CulvertException of kind DATA for fewer than two rows or one feature, where all rows point one way
     */
    public static double selfCluster(Embeddings embeddings) {
        int n = requirePairs("SelfCluster", embeddings);
        int d = embeddings.width();
        if (d < 2) {
            throw CulvertException.data("SelfCluster needs at least 2 features, got %d", d);
        }
        double[] unit = Rows.unit(embeddings.clean(), n, d);
        // |U U^T| = |U^T U|, and the smaller product is the cheaper one; by columns the sums are vectors.
        double squares = 0;
        double[] row = new double[d];
        for (int a = 0; a < d; a++) {
            for (int b = 0; b < d; b++) {
                row[b] = 0;
            }
            for (int i = 0; i < n; i++) {
                double factor = unit[i * d + a];
                for (int b = 0; b < d; b++) {
                    row[b] += factor * unit[i * d + b];
                }
            }
            for (int b = 0; b < d; b++) {
                squares += row[b] * row[b];
            }
        }
        double even = n + (double) n * (n - 1) / d;
        return (squares - even) / ((double) n * n - even);
    }

    private static int requirePairs(String score, Embeddings embeddings) {
        if (embeddings.images() < 2) {
            throw CulvertException.data("%s needs at least 2 images, got %d", score, embeddings.images());
        }
        return embeddings.images();
    }
}
