package io.culvert.ops.mae;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.culvert.ops.LossRig;
import io.culvert.ops.OpTestKit;
import io.culvert.ops.Tape;
import io.culvert.ops.cast.CastOp;
import io.culvert.reference.Reference;
import io.culvert.tensor.DType;
import io.culvert.tensor.Tensor;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MaeOpTest {
    @ParameterizedTest
    @CsvSource({
        "1, 1, 1, 1, 3, true",
        "2, 2, 3, 4, 3, true",
        "2, 2, 3, 4, 3, false",
        "1, 3, 1, 5, 1, true",
        "3, 1, 2, 3, 2, false",
        "1, 2, 2, 11, 3, true"
    })
    void equalsItsTwin(int n, int rows, int columns, int patch, int channels, boolean normalised) {
        int h = rows * patch;
        int w = columns * patch;
        new OpTestKit()
                .input("pred", n, rows * columns, patch * patch * channels)
                .constant("image", n, h, w, channels)
                .map("image", v -> 1 + 0.25 * v)
                .constant("mask", n, rows * columns)
                .map("mask", v -> n == 1 && rows == 1 || v < 0.5 ? 1 : 0)
                .check(
                        (tape, x, p, store) ->
                                MaeOp.record(tape, "mae", x.get("pred"), x.get("image"), x.get("mask"), patch, normalised),
                        v -> new double[] {
                            Reference.mae(v.get("pred"), v.get("image"), v.get("mask"), h, w, channels, patch, normalised)
                        });
    }

    /** Two images of sines with the values of the authors' function; they come channel by channel. */
    @ParameterizedTest
    @CsvSource({
        "cpu, true, 1.460830927965",
        "cpu, false, 0.963911922820",
        "emulator, true, 1.460830927965",
        "emulator, false, 0.963911922820"
    })
    void golden(String device, boolean normalised, double want) {
        float[] image = new float[384];
        float[] pred = new float[384];
        for (int k = 0; k < 384; k++) {
            int pixel = k % 64;
            image[(k / 192 * 64 + pixel) * 3 + k / 64 % 3] = (float) Math.sin(0.37 * k);
            pred[k] = (float) Math.cos(0.11 * k);
        }
        try (LossRig rig = new LossRig(device)) {
            record(rig, pred, image, new float[] {1, 0, 1, 1, 0, 1, 1, 1}, normalised);
            assertThat((double) rig.run()).isCloseTo(want, within(2e-7));
        }
    }

    private static Tensor record(LossRig rig, float[] pred, float[] image, float[] mask, boolean normalised) {
        Tensor p = rig.input("pred", pred, 2, 4, 48);
        Tensor x = rig.data("image", image, 2, 8, 8, 3);
        MaeOp.record(rig.tape, "mae", p, x, rig.data("mask", mask, 2, 4), 4, normalised);
        return p;
    }

    /** Neither a patch's brightness nor its contrast matters to normalised pixels; an image may lose all or nothing. */
    @ParameterizedTest
    @ValueSource(strings = {"cpu", "emulator"})
    void ignoresBrightnessAndContrastOfAPatch(String device) {
        float[] image = LossRig.normal(1, 384, 1);
        float[] pred = LossRig.normal(2, 384, 1);
        float[] brighter = image.clone();
        for (int i = 0; i < 192; i++) {
            brighter[i] = 3 + 16 * brighter[i];
        }
        float[] mask = {1, 1, 1, 1, 0, 0, 0, 0};
        assertThat(loss(device, pred, brighter, mask)).isCloseTo(loss(device, pred, image, mask), within(2e-5f));
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "emulator"})
    void doesNotLookAtPatchesThatWereNotRemoved(String device) {
        float[] pred = LossRig.normal(3, 384, 1);
        Arrays.fill(pred, 48, 96, Float.NaN);
        try (LossRig rig = new LossRig(device)) {
            float[] mask = {1, 0, 1, 0, 1, 1, 0, 0};
            Tensor p = record(rig, pred, LossRig.normal(4, 384, 1), mask, true);
            assertThat(rig.run()).isFinite();
            for (int i = 0; i < 384; i++) {
                assertThat(rig.gradient(p)[i] == 0).isEqualTo(mask[i / 48] == 0);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "emulator"})
    void writesTheGradientOverPredictionsThatNobodyNeeds(String device) {
        float[] pred = LossRig.normal(7, 384, 1);
        float[] image = LossRig.normal(8, 384, 1);
        float[] mask = {1, 0, 1, 1, 0, 1, 1, 0};
        float loss;
        float[] gradient;
        try (LossRig apart = new LossRig(device)) {
            Tensor beside = record(apart, pred, image, mask, true);
            loss = apart.run();
            gradient = apart.gradient(beside);
            assertThat(beside.peek()).isEqualTo(pred);
        }
        try (LossRig over = new LossRig(device)) {
            Tensor overwritten = over.tape.overwritable(record(over, pred, image, mask, true));
            assertThat(over.run()).isEqualTo(loss);
            assertThat(overwritten.peek()).isEqualTo(gradient).isNotEqualTo(pred);
        }
    }

    @Test
    void doesNotWriteOverWhatOthersNeed() {
        float[] values = LossRig.normal(9, 384, 1);
        float[] mask = {1, 1, 1, 1, 1, 1, 1, 1};
        try (LossRig kept = new LossRig("cpu")) {
            Tensor pred = kept.tape.keep(kept.tape.overwritable(record(kept, values, values, mask, true)));
            kept.run();
            assertThat(pred.peek()).isEqualTo(values);
        }
        try (LossRig shared = new LossRig("cpu")) {
            Tensor pred = shared.tape.overwritable(record(shared, values, values, mask, true));
            CastOp.record(shared.tape, "other", pred, DType.BF16);
            assertThatThrownBy(shared::run).hasMessageContaining("others need its values");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "emulator"})
    void nanComesOutAndSoDoesNothingRemoved(String device) {
        float[] image = LossRig.normal(5, 384, 1);
        float[] pred = LossRig.normal(6, 384, 1);
        LossRig.assertNaN(loss(device, pred, image, new float[8]));
        float[] all = {1, 1, 1, 1, 1, 1, 1, 1};
        for (float bad : new float[] {Float.NaN, Float.NEGATIVE_INFINITY}) {
            image[100] = bad;
            LossRig.assertNaN(loss(device, pred, image, all));
        }
    }

    private static float loss(String device, float[] pred, float[] image, float[] mask) {
        try (LossRig rig = new LossRig(device)) {
            record(rig, pred, image, mask, true);
            return rig.run();
        }
    }

    @Test
    void refusesWhatDoesNotFit() {
        Tape tape = new Tape(true);
        Tensor image = Tensor.f32("image", 1, 8, 8, 3);
        Tensor mask = Tensor.f32("mask", 1, 4);
        assertThatThrownBy(() -> MaeOp.record(tape, "mae", Tensor.f32("pred", 1, 4, 48), image, mask, 3, true))
                .hasMessage("mae: patches of 3 pixels do not tile image F32 [1, 8, 8, 3]");
        assertThatThrownBy(() -> MaeOp.record(tape, "mae", Tensor.f32("pred", 1, 4, 16), image, mask, 4, true))
                .hasMessage("mae: pred F32 [1, 4, 16] and mask F32 [1, 4] do not fit image F32 [1, 8, 8, 3] in patches of 4"
                        + " pixels");
    }
}
