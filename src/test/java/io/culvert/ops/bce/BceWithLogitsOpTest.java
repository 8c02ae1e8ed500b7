package io.culvert.ops.bce;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.culvert.ops.LossRig;
import io.culvert.ops.OpTestKit;
import io.culvert.ops.Tape;
import io.culvert.reference.Reference;
import io.culvert.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class BceWithLogitsOpTest {
    @ParameterizedTest
    @CsvSource({"1, 1, 1", "31, 3.5, 1", "33, 0, 1", "1000, 98.8, 10"})
    void equalsItsTwin(int count, double weight, double scale) {
        new OpTestKit()
                .input("logits", count)
                .map("logits", v -> scale * v)
                .constant("labels", count)
                .map("labels", v -> v > 0 ? 1 : v > -0.5 ? 0 : -v / 4)
                .check(
                        (tape, x, p, store) ->
                                BceWithLogitsOp.record(tape, "bce", x.get("logits"), x.get("labels"), weight),
                        v -> new double[] {Reference.binaryCrossEntropy(v.get("logits"), v.get("labels"), weight)});
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "emulator"})
    void isExactForLogitsOfAnySize(String device) {
        try (LossRig rig = new LossRig(device)) {
            Tensor x = rig.input("logits", new float[] {-1e4f, 1e4f, 60, -60}, 4, 1);
            Tensor labels = rig.data("labels", new float[] {1, 0, 1, 0}, 4);
            BceWithLogitsOp.record(rig.tape, "bce", x, labels, 3);
            assertThat(rig.run()).isEqualTo(1e4f);
            float[] dx = rig.gradient(x);
            assertThat(dx[0]).isEqualTo(-0.75f);
            assertThat(dx[1]).isEqualTo(0.25f);
            assertThat(dx[2]).isCloseTo((float) (-0.75 * Math.exp(-60)), within(1e-32f));
            assertThat(dx[3]).isCloseTo((float) (0.25 * Math.exp(-60)), within(1e-32f));
        }
    }

    /** Turning both logits and labels round changes nothing where the classes weigh alike. */
    @ParameterizedTest
    @ValueSource(strings = {"cpu", "emulator"})
    void isSymmetricInItsClasses(String device) {
        float[] logits = LossRig.normal(3, 300, 4);
        float[] turned = new float[300];
        float[] labels = new float[300];
        float[] turnedLabels = new float[300];
        for (int i = 0; i < 300; i++) {
            turned[i] = -logits[i];
            labels[i] = i % 3 == 0 ? 1 : 0;
            turnedLabels[i] = 1 - labels[i];
        }
        assertThat(loss(device, turned, turnedLabels)).isEqualTo(loss(device, logits, labels));
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "emulator"})
    void nanComesOut(String device) {
        LossRig.assertNaN(loss(device, new float[] {0, Float.NaN}, new float[] {0, 1}));
        LossRig.assertNaN(loss(device, new float[] {0, Float.POSITIVE_INFINITY}, new float[] {0, 1}));
        LossRig.assertNaN(loss(device, new float[] {0, Float.NEGATIVE_INFINITY}, new float[] {0, 0}));
    }

    private static float loss(String device, float[] logits, float[] labels) {
        try (LossRig rig = new LossRig(device)) {
            Tensor x = rig.input("logits", logits, logits.length);
            BceWithLogitsOp.record(rig.tape, "bce", x, rig.data("labels", labels, labels.length), 1);
            return rig.run();
        }
    }

    @Test
    void refusesWhatDoesNotFit() {
        Tape tape = new Tape(true);
        Tensor x = Tensor.f32("x", 3);
        assertThatThrownBy(() -> BceWithLogitsOp.record(tape, "bce", x, Tensor.f32("labels", 2), 1))
                .hasMessage("bce: labels F32 [2] does not label x F32 [3]");
        assertThatThrownBy(() -> BceWithLogitsOp.record(tape, "bce", x, x, -1))
                .hasMessage("bce: the positive weight must not be negative, got -1.0");
    }
}
