package io.culvert.ops.dino;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.culvert.ops.LossRig;
import io.culvert.ops.OpTestKit;
import io.culvert.ops.Tape;
import io.culvert.reference.Reference;
import io.culvert.tensor.Tensor;
import java.util.Arrays;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DinoOpTest {
    private static DinoOp.Config config(double momentum, int crops) {
        return new DinoOp.Config(0.1, 0.04, momentum, crops);
    }

    /** With momentum 1 the centre stays, so that a replay has the same loss. */
    @ParameterizedTest
    @CsvSource({"2, 1, 5, 1", "2, 3, 33, 0.3", "3, 2, 17, 1", "8, 5, 31, 1", "10, 1, 197, 0.1", "2, 2, 1, 1"})
    void equalsItsTwin(int crops, int batch, int width, double scale) {
        new OpTestKit()
                .input("student", crops * batch, width)
                .map("student", v -> scale * v)
                .constant("teacher", 2 * batch, width)
                .map("teacher", v -> scale * v)
                .constant("center", width)
                .map("center", v -> 0.1 * v)
                .check(
                        (tape, x, p, store) -> DinoOp.record(
                                        tape, "dino", x.get("student"), x.get("teacher"), x.get("center"), config(1, crops))
                                .loss(),
                        v -> new double[] {
                            Reference.dino(v.get("student"), v.get("teacher"), v.get("center"), crops, 0.1, 0.04)
                        });
    }

    /** Two steps with a teacher that warms up; values of the formula, confirmed with lightly's implementation. */
    @ParameterizedTest
    @ValueSource(strings = {"cpu", "emulator"})
    void goldenLossesAndCenterOfTwoSteps(String device) {
        try (LossRig rig = new LossRig(device)) {
            Tensor student = rig.input("student", new float[30], 6, 5);
            Tensor teacher = rig.data("teacher", new float[30], 6, 5);
            Tensor center = rig.data("center", new float[5], 5);
            DinoOp op = DinoOp.record(rig.tape, "dino", student, teacher, center, config(0.9, 2));
            double[] want = {0.370756638899, 0.386993976056};
            for (int step = 0; step < 2; step++) {
                float[] s = new float[30];
                float[] t = new float[30];
                for (int i = 0; i < 15; i++) {
                    double a = Math.sin(1 + 0.7 * (i / 5) + 1.3 * (i % 5));
                    double b = Math.cos(0.5 + 0.9 * (i / 5) - 0.4 * (i % 5));
                    s[i] = (float) ((1 + step) * a);
                    s[15 + i] = (float) ((1 + step) * b);
                    t[i] = (float) (b + 0.1 * step);
                    t[15 + i] = (float) (a - 0.1 * step);
                }
                student.set(s);
                teacher.set(t);
                op.teacherTemperature(0.04 + 0.01 * step);
                assertThat((double) rig.run()).isCloseTo(want[step], Percentage.withPercentage(1e-4));
            }
            float[] after = {0.091512634212f, 0.049685189481f, -0.014763042718f, 0.019050651990f, 0.115956205805f};
            for (int k = 0; k < 5; k++) {
                assertThat(center.toFloats()[k]).isCloseTo(after[k], within(2e-8f));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "emulator"})
    void ignoresAConstantAddedToARowAndTheOrderOfLocalCrops(String device) {
        int width = 1100;
        float[] student = rounded(LossRig.normal(1, 4 * 2 * width, 1));
        float[] teacher = rounded(LossRig.normal(2, 2 * 2 * width, 1));
        float[] want = loss(device, width, student, teacher, 4);
        float[] shifted = student.clone();
        for (int i = width; i < 2 * width; i++) {
            shifted[i] += 64;
        }
        float[] shiftedTeacher = teacher.clone();
        for (int i = 0; i < width; i++) {
            shiftedTeacher[i] -= 32;
        }
        assertThat(loss(device, width, shifted, shiftedTeacher, 4)).containsExactly(want);
        float[] swapped = student.clone();
        System.arraycopy(student, 4 * width, swapped, 6 * width, 2 * width);
        System.arraycopy(student, 6 * width, swapped, 4 * width, 2 * width);
        assertThat(loss(device, width, swapped, teacher, 4)[0]).isCloseTo(want[0], Percentage.withPercentage(1e-4));
    }

    /** Such that adding a constant rounds nothing. */
    private static float[] rounded(float... values) {
        for (int i = 0; i < values.length; i++) {
            values[i] = Math.round(values[i] * 1024) / 1024f;
        }
        return values;
    }

    /** {@code P_s - P_t} of rows that are all but certain and agree would lose its digits in single precision. */
    @ParameterizedTest
    @ValueSource(strings = {"cpu", "emulator"})
    void keepsTheDigitsOfCertainRows(String device) {
        float[] student = {0, 2.5f, 0, 0, 2.5f, 0};
        float[] teacher = {0, 1, 0, 0, 1, 0};
        float[] got = loss(device, 3, student, teacher, 2);
        double s = Math.exp(-25);
        double t = Math.exp(-25);
        double others = 2 * s;
        double rest = t / (1 + 2 * t);
        assertThat((double) got[0]).isCloseTo(Math.log1p(others) + 2 * rest * 25, Percentage.withPercentage(1e-3));
        float[] hot = {0, 2, 0, 0, 2, 0};
        float[] cooler = loss(device, 3, hot, teacher, 2);
        double q = Math.exp(-20);
        double gradient = (q / (1 + 2 * q) - rest) / (0.1 * 2);
        assertThat((double) cooler[1]).isCloseTo(gradient, Percentage.withPercentage(1e-3));
        assertThat((double) cooler[2]).isCloseTo(-2 * gradient, Percentage.withPercentage(1e-3));
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "emulator"})
    void nanComesOut(String device) {
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
            float[] student = LossRig.normal(3, 3 * 2 * 40, 1);
            float[] teacher = LossRig.normal(4, 2 * 2 * 40, 1);
            float[] badTeacher = teacher.clone();
            badTeacher[7] = bad;
            LossRig.assertNaN(loss(device, 40, student, badTeacher, 3)[0]);
            student[45] = Float.NaN;
            LossRig.assertNaN(loss(device, 40, student, teacher, 3)[0]);
        }
    }

    /** The loss, then the gradient. */
    private static float[] loss(String device, int width, float[] student, float[] teacher, int crops) {
        try (LossRig rig = new LossRig(device)) {
            Tensor s = rig.input("student", student, student.length / width, width);
            Tensor t = rig.data("teacher", teacher, teacher.length / width, width);
            DinoOp.record(rig.tape, "dino", s, t, rig.data("center", new float[width], width), config(0.9, crops));
            float loss = rig.run();
            float[] both = Arrays.copyOf(new float[] {loss}, 1 + student.length);
            System.arraycopy(rig.gradient(s), 0, both, 1, student.length);
            return both;
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "emulator"})
    void theTeacherGetsNoGradient(String device) {
        try (LossRig rig = new LossRig(device)) {
            Tensor s = rig.data("student", LossRig.normal(5, 20, 1), 4, 5);
            Tensor t = rig.input("teacher", LossRig.normal(6, 20, 1), 4, 5);
            DinoOp.record(rig.tape, "dino", s, t, rig.data("center", new float[5], 5), config(0.9, 2));
            assertThat(rig.run()).isFinite();
            assertThat(rig.tape.gradients(t)).isEmpty();
        }
    }

    /** Of rows without an opinion, with one, and between. */
    @ParameterizedTest
    @ValueSource(strings = {"cpu", "emulator"})
    void givesTheTeachersEntropy(String device) {
        int width = 33;
        float[] teacher = LossRig.normal(8, 4 * width, 0.1);
        Arrays.fill(teacher, 0, width, 2);
        teacher[width + 5] = 100;
        float[] center = LossRig.normal(9, width, 0.05);
        double want = 0;
        for (int row = 0; row < 4; row++) {
            double sum = 0;
            double along = 0;
            for (int k = 0; k < width; k++) {
                double x = ((double) teacher[row * width + k] - center[k]) / 0.04;
                double e = Math.exp(x - 60);
                sum += row == 1 && k == 5 ? 0 : e;
                along += row == 1 && k == 5 ? 0 : e * x;
            }
            want += row == 1 ? 0 : (Math.log(sum) + 60 - along / sum) / 4;
        }
        try (LossRig rig = new LossRig(device)) {
            Tensor s = rig.input("student", LossRig.normal(5, 4 * width, 1), 4, width);
            Tensor t = rig.data("teacher", teacher, 4, width);
            DinoOp op = DinoOp.record(rig.tape, "dino", s, t, rig.data("center", center, width), config(0.9, 2));
            rig.run();
            assertThat((double) op.teacherEntropy().item()).isCloseTo(want, Percentage.withPercentage(1e-3));
        }
    }

    @Test
    void refusesWhatDoesNotFit() {
        Tape tape = new Tape(true);
        Tensor s = Tensor.f32("s", 4, 3);
        Tensor c = Tensor.f32("c", 3);
        assertThatThrownBy(() -> DinoOp.record(tape, "dino", s, Tensor.f32("t", 2, 3), c, config(0.9, 2)))
                .hasMessage("dino: t F32 [2, 3] and c F32 [3] do not fit s F32 [4, 3] of 2 crops");
        assertThatThrownBy(() -> DinoOp.record(tape, "dino", s, s, c, config(0.9, 3)))
                .hasMessage("dino: needs [crops * B, K] with 2 crops or more, got 3 and s F32 [4, 3]");
        assertThatThrownBy(() -> DinoOp.record(tape, "dino", s, s, c, config(1.5, 2)))
                .hasMessage("dino: centre momentum must be from 0 to 1, got 1.5");
        DinoOp op = DinoOp.record(tape, "dino", s, s, c, config(0.9, 2));
        assertThatThrownBy(() -> op.teacherTemperature(0))
                .hasMessage("dino: temperature must be positive, got 0.0");
    }
}
