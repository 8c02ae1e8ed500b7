package io.culvert.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Golden numbers that the functions of the MAE authors' code gave. */
class SinCosPositionsTest {
    private static final int DIM = 192;

    private static float at(float[] positions, int row, int channel) {
        return positions[row * DIM + channel];
    }

    @Test
    void areThoseOfTheAuthors() {
        float[] positions = SinCosPositions.of(14, 14, DIM);
        assertThat(positions).hasSize(197 * DIM);
        assertThat(Arrays.copyOf(positions, DIM)).containsOnly(0f);
        float sine = 0.841470984808f;
        float cosine = 0.540302305868f;
        int[] channels = {0, 48, 96, 144};
        // The second place of the first row, and the first of the second: columns come first.
        float[][] want = {{sine, cosine, 0, 1}, {0, 1, sine, cosine}};
        int[] rows = {2, 15};
        for (int i = 0; i < rows.length; i++) {
            for (int c = 0; c < channels.length; c++) {
                assertThat(at(positions, rows[i], channels[c])).isCloseTo(want[i][c], within(1e-7f));
            }
        }
        double sum = 0;
        for (float value : positions) {
            sum += value;
        }
        assertThat(sum).isCloseTo(17277.554156444, within(1e-4));
    }

    @Test
    void aGridThatIsNoSquareIsReadRowByRow() {
        float[] positions = SinCosPositions.of(2, 3, 4);
        assertThat(positions).hasSize(7 * 4);
        // The last place: column 2, row 1.
        float[] last = {(float) Math.sin(2), (float) Math.cos(2), (float) Math.sin(1), (float) Math.cos(1)};
        assertThat(Arrays.copyOfRange(positions, 24, 28)).isEqualTo(last);
    }
}
