package io.culvert.metric;

import io.culvert.CounterRng;
import io.culvert.CulvertException;

/**
 * K-means: centres drawn by k-means++ (Arthur and Vassilvitskii, SODA 2007), then Lloyd's steps until no row moves, at
 * most {@value #STEPS}.
 *
 * @param cluster of each row, 0..k-1
 * @param inertia the sum of squared distances to the own centre
 */
record KMeans(int[] cluster, double inertia) {
    private static final int STEPS = 100;

    /**
     * Clusters rows.
     *
     * @param values {@code [n, d]} row by row
     * @param seed of the first centres
     * @throws CulvertException of kind DATA when there are fewer distinct rows than clusters
     */
    static KMeans of(double[] values, int n, int d, int k, long seed) {
        double[] centres = start(values, n, d, k, seed);
        int[] cluster = new int[n];
        KMeans result = new KMeans(cluster, assign(values, n, d, centres, k, cluster));
        boolean moved = true;
        for (int step = 0; step < STEPS && moved; step++) {
            update(values, d, centres, k, cluster);
            int[] next = new int[n];
            double inertia = assign(values, n, d, centres, k, next);
            moved = inertia < result.inertia;
            result = moved ? new KMeans(next, inertia) : result;
            cluster = next;
        }
        return result;
    }

    /** Centres by columns, {@code [d, k]}. */
    private static double[] start(double[] values, int n, int d, int k, long seed) {
        CounterRng rng = new CounterRng().key(seed, 0, 0, 0);
        double[] centres = new double[d * k];
        double[] nearest = new double[n];
        int chosen = rng.nextInt(n);
        for (int c = 0; c < k; c++) {
            double total = 0;
            for (int i = 0; i < n; i++) {
                double squares = 0;
                for (int j = 0; j < d; j++) {
                    double difference = values[i * d + j] - values[chosen * d + j];
                    squares += difference * difference;
                }
                nearest[i] = c == 0 ? squares : Math.min(nearest[i], squares);
                total += nearest[i];
            }
            for (int j = 0; j < d; j++) {
                centres[j * k + c] = values[chosen * d + j];
            }
            if (c + 1 < k) {
                if (total == 0) {
                    throw CulvertException.data("%d rows have only %d distinct ones, for %d clusters", n, c + 1, k);
                }
                chosen = draw(nearest, rng.nextDouble() * total);
            }
        }
        return centres;
    }

    /** The row at which the weights, summed from the first one on, pass the mark; one of weight 0 never. */
    private static int draw(double[] weights, double mark) {
        int chosen = -1;
        double left = mark;
        for (int i = 0; i < weights.length && (chosen < 0 || left >= 0); i++) {
            if (weights[i] > 0) {
                chosen = i;
                left -= weights[i];
            }
        }
        return chosen;
    }

    private static double assign(double[] values, int n, int d, double[] centres, int k, int[] cluster) {
        double inertia = 0;
        double[] squares = new double[k];
        for (int i = 0; i < n; i++) {
            for (int c = 0; c < k; c++) {
                squares[c] = 0;
            }
            for (int j = 0; j < d; j++) {
                Rows.addSquares(squares, centres, j * k, k, values[i * d + j]);
            }
            int best = 0;
            for (int c = 1; c < k; c++) {
                best = squares[c] < squares[best] ? c : best;
            }
            cluster[i] = best;
            inertia += squares[best];
        }
        return inertia;
    }

    /** Centres become means; one without rows stays where it is. */
    private static void update(double[] values, int d, double[] centres, int k, int[] cluster) {
        int[] count = new int[k];
        for (int c : cluster) {
            count[c]++;
        }
        for (int j = 0; j < d; j++) {
            for (int c = 0; c < k; c++) {
                centres[j * k + c] = count[c] == 0 ? centres[j * k + c] : 0;
            }
            for (int i = 0; i < cluster.length; i++) {
                centres[j * k + cluster[i]] += values[i * d + j] / count[cluster[i]];
            }
        }
    }
}
