package io.culvert.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.metric.Ranking;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SgdProbeTest {
    private static final int ROWS = 2000;
    private static final int WIDTH = 24;

    /** Normal clouds a little apart, one in twenty a defect. */
    private static Features features(int[] labels, int seed) {
        Random random = new Random(seed);
        float[] values = new float[ROWS * WIDTH];
        for (int i = 0; i < ROWS; i++) {
            labels[i] = i % 20 == 0 ? 1 : 0;
            for (int j = 0; j < WIDTH; j++) {
                values[i * WIDTH + j] = (float) (random.nextGaussian() + labels[i] * (j < 4 ? 0.8 : 0));
            }
        }
        return new Features(values, ROWS, WIDTH);
    }

    private static double auroc(SgdProbe.Options options) {
        int[] labels = new int[ROWS];
        Features train = features(labels, 1);
        LinearProbe probe = SgdProbe.fit(train, labels, options);
        assertThat(probe.threshold()).isZero();
        return Ranking.of(probe.scores(features(labels, 2)), labels).auroc();
    }

    /** The best that any linear reader can do here is a distance of 1.6 deviations, AUROC 0.871. */
    @Test
    void comesNearTheBestLinearReader() {
        assertThat(auroc(new SgdProbe.Options(200, 1e-2, 0.999, 5))).isBetween(0.82, 0.9);
    }

    /** The published code's setting: with beta2 = 0 a step is the gradient's sign, however small it is, times the rate. */
    @Test
    void thePublishedCodesBetaIsWorse() {
        assertThat(auroc(new SgdProbe.Options(200, 1e-2, 0, 5)))
                .isLessThan(auroc(new SgdProbe.Options(200, 1e-2, 0.999, 5)));
    }

    @Test
    void theSeedDecides() {
        int[] labels = new int[ROWS];
        Features train = features(labels, 1);
        SgdProbe.Options options = new SgdProbe.Options(3, 1e-3, 0.999, 5);
        float[] once = SgdProbe.fit(train, labels, options).weight();
        assertThat(SgdProbe.fit(train, labels, options).weight()).isEqualTo(once);
        assertThat(SgdProbe.fit(train, labels, new SgdProbe.Options(3, 1e-3, 0.999, 6)).weight()).isNotEqualTo(once);
    }
}
