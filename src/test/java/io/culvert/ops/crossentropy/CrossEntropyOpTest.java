package io.culvert.ops.crossentropy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.culvert.ops.LossRig;
import io.culvert.ops.OpTestKit;
import io.culvert.ops.Tape;
import io.culvert.reference.Reference;
import io.culvert.tensor.Tensor;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CrossEntropyOpTest {
    @ParameterizedTest
    @CsvSource({"1, 2, 1", "33, 17, 1", "5, 1000, 3", "3, 1, 1", "31, 2, 20"})
    void equalsItsTwin(int rows, int width, double scale) {
        new OpTestKit()
                .input("logits", rows, width)
                .map("logits", v -> scale * v)
                .labels("labels", rows, width)
                .check(
                        (tape, x, p, store) -> CrossEntropyOp.record(tape, "ce", x.get("logits"), x.get("labels")),
                        v -> new double[] {Reference.crossEntropy(v.get("logits"), width, v.get("labels"))});
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "emulator"})
    void ignoresAConstantAddedToARow(String device) {
        float[] logits = LossRig.normal(1, 5 * 1100, 1);
        for (int i = 0; i < logits.length; i++) {
            logits[i] = Math.round(logits[i] * 1024) / 1024f;
        }
        float[] shifted = logits.clone();
        for (int i = 1100; i < 3300; i++) {
            shifted[i] += i < 2200 ? 1000 : -512;
        }
        assertThat(gradient(device, shifted)).containsExactly(gradient(device, logits));
    }

    private static float[] gradient(String device, float... logits) {
        try (LossRig rig = new LossRig(device)) {
            Tensor x = rig.input("logits", logits, 5, logits.length / 5);
            CrossEntropyOp.record(rig.tape, "ce", x, rig.labels("labels", 0, 1, 2, 1, 0));
            rig.run();
            return rig.gradient(x);
        }
    }

    /** {@code softmax - 1} in single precision would be 0 for the certain row, and so would its loss. */
    @ParameterizedTest
    @ValueSource(strings = {"cpu", "emulator"})
    void keepsTheDigitsOfCertainRowsAndOfHopelessOnes(String device) {
        try (LossRig rig = new LossRig(device)) {
            Tensor x = rig.input("logits", new float[] {30, 0, -70, 1e4f, -1e4f, 1e4f}, 2, 3);
            CrossEntropyOp.record(rig.tape, "ce", x, rig.labels("labels", 0, 1));
            double rest = Math.exp(-30) + Math.exp(-100);
            assertThat(rig.run()).isCloseTo((float) ((20_000 + Math.log(2)) / 2), within(1e-3f));
            assertThat(rig.gradient(x)[0]).isCloseTo((float) (-rest / 2), within(1e-19f));
            assertThat(rig.gradient(x)[4]).isEqualTo(-0.5f);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "emulator"})
    void nanAndUnknownLabelsComeOut(String device) {
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
            try (LossRig rig = new LossRig(device)) {
                float[] logits = LossRig.normal(2, 2 * 40, 1);
                logits[3] = bad;
                logits[35] = bad;
                Tensor x = rig.input("logits", logits, 2, 40);
                CrossEntropyOp.record(rig.tape, "ce", x, rig.labels("labels", 0, 1));
                LossRig.assertNaN(rig.run());
                LossRig.assertNaN(Arrays.copyOf(rig.gradient(x), 40));
                for (int i = 40; i < 80; i++) {
                    assertThat(rig.gradient(x)[i]).isFinite();
                }
            }
        }
        for (int label : new int[] {-1, 3}) {
            try (LossRig rig = new LossRig(device)) {
                Tensor x = rig.input("logits", new float[] {1, 2, 3}, 1, 3);
                CrossEntropyOp.record(rig.tape, "ce", x, rig.labels("labels", label));
                LossRig.assertNaN(rig.run());
                LossRig.assertNaN(rig.gradient(x));
            }
        }
    }

    @Test
    void refusesLabelsThatDoNotFit() {
        Tape tape = new Tape(true);
        assertThatThrownBy(() -> CrossEntropyOp.record(tape, "ce", Tensor.f32("x", 2, 3), Tensor.f32("labels", 2)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("ce: labels F32 [2] does not label the rows of x F32 [2, 3]");
    }
}
