package io.culvert.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KnnProbeTest {
    /** Sizes on both sides of a block of the bank, a task's rows and a tile. */
    @ParameterizedTest
    @CsvSource({"1, 1, 1, 1", "7, 5, 3, 3", "300, 97, 31, 20", "257, 100, 192, 20", "513, 1, 5, 1000"})
    void equalsPlainLoops(int bankRows, int queryRows, int width, int k) {
        Features bank = random(bankRows, width, 1);
        Features queries = random(queryRows, width, 2);
        int[] labels = new Random(3).ints(bankRows, 0, 2).toArray();
        int[] rows = IntStream.range(0, bankRows).filter(i -> i % 5 != 4).toArray();
        double[] got = new KnnProbe(bank, rows, labels, k, 0.07).scores(queries, all(queryRows));
        for (int q = 0; q < queryRows; q++) {
            assertThat(got[q]).isCloseTo(plain(bank, rows, labels, k, queries, q), within(1e-4));
        }
    }

    private static double plain(Features bank, int[] rows, int[] labels, int k, Features queries, int query) {
        double[] cosine = new double[bank.rows()];
        for (int row : rows) {
            cosine[row] = dot(queries, query, bank, row)
                    / Math.sqrt(dot(queries, query, queries, query) * dot(bank, row, bank, row));
        }
        int[] nearest = IntStream.of(rows).boxed()
                .sorted(Comparator.comparingDouble((Integer row) -> -cosine[row]))
                .limit(k)
                .mapToInt(Integer::intValue)
                .toArray();
        double defects = 0;
        double sum = 0;
        for (int row : nearest) {
            double weight = Math.exp(cosine[row] / 0.07);
            sum += weight;
            defects += labels[row] * weight;
        }
        return defects / sum;
    }

    private static double dot(Features a, int i, Features b, int j) {
        double sum = 0;
        for (int c = 0; c < a.width(); c++) {
            sum += (double) a.values()[i * a.width() + c] * b.values()[j * b.width() + c];
        }
        return sum;
    }

    /** Rows of zeros point nowhere; they are as far from everything as from each other, and the first of them count. */
    @Test
    void tiesGoToTheFirst() {
        Features bank = new Features(new float[] {0, 0, 0, 0, 0, 0}, 3, 2);
        double[] scores = new KnnProbe(bank, all(3), new int[] {1, 0, 0}, 1, 0.07).scores(bank, all(3));
        assertThat(scores).containsExactly(1, 1, 1);
    }

    private static int[] all(int rows) {
        return IntStream.range(0, rows).toArray();
    }

    private static Features random(int rows, int width, int seed) {
        Random random = new Random(seed);
        float[] values = new float[rows * width];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (random.nextGaussian() + 0.3);
        }
        return new Features(values, rows, width);
    }
}
