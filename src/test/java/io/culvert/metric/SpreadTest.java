package io.culvert.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.culvert.CulvertException;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SpreadTest {
    private static final double TORCH = 0.6532484529342774;

    /** As lightly's std_of_l2_normalized (torch.std of F.normalize, its mean), times sqrt(d). */
    @Test
    void equalsTorch() {
        double[] rows = new double[4 * 3];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = Math.sin(1 + 0.7 * (i / 3) + 1.3 * (i % 3));
        }
        assertThat(Spread.ofUnitRows(rows, 4, 3)).isCloseTo(TORCH, within(1e-12));
    }

    @Test
    void rowsOfOneDirectionHaveNone() {
        double[] rows = new double[100 * 7];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = (i % 7 - 3.1) * (1 + i / 7);
        }
        assertThat(Spread.ofUnitRows(rows, 100, 7)).isCloseTo(0, within(1e-12));
        assertThat(Spread.ofUnitRows(new double[700], 100, 7)).isZero();
    }

    @Test
    void rowsOfAnyDirectionHaveOne() {
        SplittableRandom random = new SplittableRandom(1);
        double[] rows = random.doubles(2000 * 64).map(x -> random.nextGaussian()).toArray();
        assertThat(Spread.ofUnitRows(rows, 2000, 64)).isCloseTo(1, within(0.01));
    }

    @Test
    void oneRowHasNoSpread() {
        assertThatThrownBy(() -> Spread.ofUnitRows(new double[5], 1, 5)).isInstanceOf(CulvertException.class);
        assertThatThrownBy(() -> Spread.ofUnitRows(new double[5], 2, 5)).isInstanceOf(CulvertException.class);
    }
}
