package io.culvert.ops.byol;

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

class ByolOpTest {
    @ParameterizedTest
    @CsvSource({"1, 2", "5, 33", "31, 17", "2, 1000"})
    void equalsItsTwin(int batch, int width) {
        new OpTestKit()
                .input("p", 2 * batch, width)
                .constant("z", 2 * batch, width)
                .check(
                        (tape, x, p, store) -> ByolOp.record(tape, "byol", x.get("p"), x.get("z")),
                        v -> new double[] {Reference.byol(v.get("p"), v.get("z"), width)});
    }

    /** One pair of views, with the value of lightly's implementation; B pairs with A the other way round. */
    @ParameterizedTest
    @ValueSource(strings = {"cpu", "emulator"})
    void golden(String device) {
        float[] p = new float[24];
        float[] z = new float[24];
        for (int i = 0; i < 4; i++) {
            for (int j = 0; j < 3; j++) {
                p[i * 3 + j] = z[i * 3 + j] = (float) Math.sin(1 + 0.7 * i + 1.3 * j);
                p[12 + i * 3 + j] = z[12 + i * 3 + j] = (float) Math.cos(0.5 + 0.9 * i - 0.4 * j);
            }
        }
        assertThat(loss(device, p, z, 3)).isCloseTo(1.733625380970f, within(3e-7f));
    }

    /** A power of two changes no digit. */
    @ParameterizedTest
    @ValueSource(strings = {"cpu", "emulator"})
    void ignoresTheLengthOfItsRowsAndWhichViewIsFirst(String device) {
        float[] p = LossRig.normal(1, 6 * 1100, 1);
        float[] z = LossRig.normal(2, 6 * 1100, 1);
        float plain = loss(device, p, z, 1100);
        assertThat(loss(device, scaled(p, 64), scaled(z, 0.125f), 1100)).isEqualTo(plain);
        assertThat(loss(device, swapped(p), swapped(z), 1100)).isCloseTo(plain, within(2e-7f));
    }

    private static float[] scaled(float[] v, float by) {
        float[] scaled = v.clone();
        for (int i = 0; i < v.length / 2; i++) {
            scaled[i] *= by;
        }
        return scaled;
    }

    private static float[] swapped(float... v) {
        float[] swapped = new float[v.length];
        System.arraycopy(v, 0, swapped, v.length / 2, v.length / 2);
        System.arraycopy(v, v.length / 2, swapped, 0, v.length / 2);
        return swapped;
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "emulator"})
    void nanComesOutOfItsRow(String device) {
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
            try (LossRig rig = new LossRig(device)) {
                float[] values = LossRig.normal(3, 4 * 5, 1);
                values[7] = bad;
                Tensor p = rig.input("p", values, 4, 5);
                ByolOp.record(rig.tape, "byol", p, rig.data("z", LossRig.normal(4, 20, 1), 4, 5));
                LossRig.assertNaN(rig.run());
                for (int i = 0; i < 20; i++) {
                    assertThat(Float.isNaN(rig.gradient(p)[i])).isEqualTo(i / 5 == 1);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "emulator"})
    void targetsGetNoGradient(String device) {
        try (LossRig rig = new LossRig(device)) {
            Tensor p = rig.data("p", LossRig.normal(5, 20, 1), 4, 5);
            Tensor z = rig.input("z", LossRig.normal(6, 20, 1), 4, 5);
            ByolOp.record(rig.tape, "byol", p, z);
            assertThat(rig.run()).isFinite();
            assertThat(rig.tape.gradients(z)).isEmpty();
        }
    }

    private static float loss(String device, float[] p, float[] z, int width) {
        try (LossRig rig = new LossRig(device)) {
            Tensor prediction = rig.input("p", p, p.length / width, width);
            ByolOp.record(rig.tape, "byol", prediction, rig.data("z", z, z.length / width, width));
            return rig.run();
        }
    }

    @Test
    void refusesTargetsThatDoNotFit() {
        Tape tape = new Tape(true);
        assertThatThrownBy(() -> ByolOp.record(tape, "byol", Tensor.f32("p", 4, 3), Tensor.f32("z", 4, 2)))
                .hasMessage("byol: z F32 [4, 2] is no target of p F32 [4, 3]");
        assertThatThrownBy(() -> ByolOp.record(tape, "byol", Tensor.f32("p", 3, 3), Tensor.f32("z", 3, 3)))
                .hasMessage("byol: needs [2B, D], got p F32 [3, 3]");
    }
}
