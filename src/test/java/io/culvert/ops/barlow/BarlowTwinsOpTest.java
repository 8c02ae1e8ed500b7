package io.culvert.ops.barlow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.culvert.ops.LossRig;
import io.culvert.ops.OpTestKit;
import io.culvert.ops.Tape;
import io.culvert.reference.Reference;
import io.culvert.tensor.Tensor;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class BarlowTwinsOpTest {
    private static final double EPS = 1e-5;

    @ParameterizedTest
    @CsvSource({"3, 1, 0.0051, 1", "5, 33, 0.0051, 0.024", "31, 17, 1, 1", "16, 64, 0.005, 0.1"})
    void equalsItsTwin(int batch, int width, double lambda, double scale) {
        new OpTestKit()
                .input("z", 2 * batch, width)
                .map("z", v -> 3 * v + 1)
                .check(
                        (tape, x, p, store) -> BarlowTwinsOp.record(
                                tape, "barlow", x.get("z"), new BarlowTwinsOp.Config(lambda, scale, EPS)),
                        v -> new double[] {Reference.barlowTwins(v.get("z"), width, lambda, scale, EPS)});
    }

    /** Values of the formula in double precision, confirmed with lightly's implementation. */
    @ParameterizedTest
    @CsvSource({
        "cpu, 0.0051, 1, 1.217267870192",
        "cpu, 0.0051, 0.024, 0.029214428885",
        "emulator, 0.0051, 0.024, 0.029214428885",
        "emulator, 0.005, 1, 1.216902210835"
    })
    void golden(String device, double lambda, double scale, double want) {
        float[] z = new float[24];
        for (int i = 0; i < 4; i++) {
            for (int j = 0; j < 3; j++) {
                z[i * 3 + j] = (float) Math.sin(1 + 0.7 * i + 1.3 * j);
                z[12 + i * 3 + j] = (float) Math.cos(0.5 + 0.9 * i - 0.4 * j);
            }
        }
        try (LossRig rig = new LossRig(device)) {
            Tensor input = rig.input("z", z, 8, 3);
            BarlowTwinsOp.record(rig.tape, "barlow", input, new BarlowTwinsOp.Config(lambda, scale, EPS));
            assertThat((double) rig.run()).isCloseTo(want, Percentage.withPercentage(2e-5));
            if (lambda == 0.0051 && scale == 1) {
                double sum = 0;
                for (int i = 0; i < 12; i++) {
                    sum += Math.abs(rig.gradient(input)[i]);
                }
                assertThat(sum).isCloseTo(9.400730339237, within(2e-6));
            }
        }
    }

    /** Up to eps beside the variance. */
    @ParameterizedTest
    @ValueSource(strings = {"cpu", "emulator"})
    void ignoresScaleAndShiftOfAColumnOfEitherViewAndWhichIsFirst(String device) {
        int batch = 9;
        int width = 40;
        float[] z = LossRig.normal(1, 2 * batch * width, 8);
        float[] changed = new float[z.length];
        for (int i = 0; i < z.length; i++) {
            int view = i / (batch * width);
            int to = (i + batch * width) % z.length;
            changed[to] = z[i] * (1 + view + i % width) - 3 * (i % width);
        }
        float want = loss(device, width, z);
        assertThat(loss(device, width, changed)).isCloseTo(want, Percentage.withPercentage(1e-3));
    }

    /** Where the views are one, the diagonal lacks only eps / (var + eps). */
    @ParameterizedTest
    @ValueSource(strings = {"cpu", "emulator"})
    void keepsTheDigitsOfADiagonalAtItsOptimum(String device) {
        float[] z = new float[2 * 33];
        for (int i = 0; i < z.length; i++) {
            z[i] = i % 33 < 16 ? -1 : i % 33 == 16 ? 0 : 1;
        }
        double variance = 32 / 33.0;
        double off = EPS / (variance + EPS);
        assertThat((double) loss(device, 1, z)).isCloseTo(off * off, Percentage.withPercentage(1e-4));
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "emulator"})
    void nanComesOut(String device) {
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
            float[] z = LossRig.normal(2, 6 * 5, 1);
            z[7] = bad;
            LossRig.assertNaN(loss(device, 5, z));
        }
    }

    private static float loss(String device, int width, float... z) {
        try (LossRig rig = new LossRig(device)) {
            Tensor input = rig.input("z", z, z.length / width, width);
            BarlowTwinsOp.record(rig.tape, "barlow", input, new BarlowTwinsOp.Config(0.0051, 1, EPS));
            return rig.run();
        }
    }

    @Test
    void refusesWhatDoesNotFit() {
        Tape tape = new Tape(true);
        assertThatThrownBy(() -> BarlowTwinsOp.record(
                        tape, "barlow", Tensor.f32("z", 3, 2), new BarlowTwinsOp.Config(1, 1, EPS)))
                .hasMessage("barlow: needs [2B, D], got z F32 [3, 2]");
        assertThatThrownBy(() -> BarlowTwinsOp.record(
                        tape, "barlow", Tensor.f32("z", 4, 2), new BarlowTwinsOp.Config(1, 1, 0)))
                .hasMessage("barlow: eps must be positive, got 0.0");
    }
}
