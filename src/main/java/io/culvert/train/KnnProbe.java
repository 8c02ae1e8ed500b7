package io.culvert.train;

import io.culvert.device.cpu.TileProduct;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Classification by neighbours in the space of features (Wu et al. 2018, section 3.4; k and temperature of DINO's
 * evaluation): the score of an image is the share of defects among the k labelled images whose features point most nearly
 * the same way, each counted {@code exp(cosine / temperature)} times. Nothing is trained.
 */
final class KnnProbe {
    /** Rows scored by one task, which packs every block of the bank once. */
    private static final int ROWS = 96;
    /** Rows of the bank that stay in a core's cache. */
    private static final int BLOCK = 256;

    private final Features bank;
    private final int[] rows;
    private final int[] labels;
    private final double[] bankScale;
    private final int k;
    private final double temperature;

    /**
     * Keeps the labelled images.
     *
     * @param rows those of {@code bank} that count
     * @param labels 0 or 1 for every row of {@code bank}
     * @param k neighbours, at most as many as {@code rows}
     */
    KnnProbe(Features bank, int[] rows, int[] labels, int k, double temperature) {
        this.bank = bank;
        this.rows = rows;
        this.labels = labels;
        this.k = Math.min(k, rows.length);
        this.temperature = temperature;
        bankScale = scales(bank, rows);
    }

    /** Scores in 0..1 of some rows; they do not depend on the number of threads. Neighbours that tie: the first one counts. */
    double[] scores(Features features, int[] wanted) {
        double[] scale = scales(features, wanted);
        double[] scores = new double[wanted.length];
        IntStream.range(0, Math.ceilDiv(wanted.length, ROWS)).parallel().forEach(task -> {
            int from = task * ROWS;
            new Chunk(features, wanted, scale, from, Math.min(wanted.length, from + ROWS)).score(scores);
        });
        return scores;
    }

    /** {@code 1 / |row|}, 0 for a row of zeros. */
    private static double[] scales(Features features, int[] rows) {
        return Arrays.stream(rows).mapToDouble(row -> {
            double squares = 0;
            for (int j = row * features.width(); j < (row + 1) * features.width(); j++) {
                squares += (double) features.values()[j] * features.values()[j];
            }
            return squares == 0 ? 0 : 1 / Math.sqrt(squares);
        }).toArray();
    }

    /** A few rows against the whole bank, block by block. */
    private final class Chunk {
        private final int first;
        private final int count;
        private final int width = bank.width();
        private final int stride = TileProduct.stride(BLOCK);
        private final float[] queries;
        private final float[] block = new float[width * stride];
        private final float[] cosines;
        private final float[][] best;
        private final int[][] neighbour;
        private final int[] found;

        Chunk(Features features, int[] wanted, double[] scale, int from, int to) {
            first = from;
            count = to - from;
            queries = new float[TileProduct.paddedRows(count) * width];
            for (int i = 0; i < count; i++) {
                unit(features, wanted[from + i], scale[from + i], queries, i * width, 1);
            }
            cosines = new float[TileProduct.paddedRows(count) * stride];
            best = new float[count][k];
            neighbour = new int[count][k];
            found = new int[count];
        }

        private void unit(Features from, int row, double scale, float[] to, int offset, int step) {
            for (int j = 0; j < width; j++) {
                to[offset + j * step] = (float) (from.values()[row * width + j] * scale);
            }
        }

        void score(double[] scores) {
            for (int start = 0; start < rows.length; start += BLOCK) {
                int size = Math.min(BLOCK, rows.length - start);
                for (int i = 0; i < size; i++) {
                    unit(bank, rows[start + i], bankScale[start + i], block, i, stride);
                }
                TileProduct.multiply(cosines, stride, queries, width, 1, block, stride, count, size, width, false);
                for (int i = 0; i < count; i++) {
                    for (int j = 0; j < size; j++) {
                        offer(i, cosines[i * stride + j], start + j);
                    }
                }
            }
            for (int i = 0; i < count; i++) {
                scores[first + i] = vote(i);
            }
        }

        /** Keeps the best k in falling order. */
        private void offer(int query, float cosine, int place) {
            float[] values = best[query];
            if (found[query] == k && cosine <= values[k - 1]) {
                return;
            }
            int at = found[query] < k ? found[query]++ : k - 1;
            while (at > 0 && values[at - 1] < cosine) {
                values[at] = values[at - 1];
                neighbour[query][at] = neighbour[query][at - 1];
                at--;
            }
            values[at] = cosine;
            neighbour[query][at] = place;
        }

        private double vote(int query) {
            double defects = 0;
            double all = 0;
            for (int i = 0; i < k; i++) {
                // Less the greatest: a temperature near 0 would overflow.
                double weight = Math.exp((best[query][i] - best[query][0]) / temperature);
                all += weight;
                defects += labels[rows[neighbour[query][i]]] * weight;
            }
            return defects / all;
        }
    }
}
