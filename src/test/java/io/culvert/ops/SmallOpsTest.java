package io.culvert.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.culvert.device.CpuDevice;
import io.culvert.device.RunArena;
import io.culvert.ops.l2normalize.L2NormalizeOp;
import io.culvert.ops.linear.LinearOp;
import io.culvert.ops.ntxent.NtXentOp;
import io.culvert.ops.pool.GlobalAvgPoolOp;
import io.culvert.ops.pool.MaxPoolOp;
import io.culvert.ops.relu.ReluOp;
import io.culvert.reference.Reference;
import io.culvert.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SmallOpsTest {
    @ParameterizedTest
    @CsvSource({"1, 1, 1, true", "5, 37, 75, true", "33, 31, 8, false", "197, 16, 33, true"})
    void linear(int rows, int in, int out, boolean biased) {
        OpTestKit kit = new OpTestKit().input("x", rows, in).parameter("weight", out, in);
        if (biased) {
            kit.parameter("bias", out);
        }
        kit.check(
                (tape, x, p, store) -> LinearOp.record(tape, "linear", x.get("x"), p.get("weight"), p.get("bias")),
                v -> Reference.linear(v.get("x"), in, v.get("weight"), v.get("bias")));
    }

    /** Few rows, whose product is one call, and many, which go block by block. */
    @ParameterizedTest
    @CsvSource({"1, 1, 1, true", "5, 7, 9, true", "5, 7, 9, false", "66, 3, 5, true"})
    void linearWithAResidual(int rows, int in, int out, boolean biased) {
        OpTestKit kit = new OpTestKit().input("x", rows, in).input("residual", rows, out).parameter("weight", out, in);
        if (biased) {
            kit.parameter("bias", out);
        }
        kit.check(
                (tape, x, p, store) -> LinearOp.record(
                        tape, "linear", x.get("x"), p.get("weight"), p.get("bias"), x.get("residual")),
                v -> Reference.addBias(
                        v.get("residual"), Reference.linear(v.get("x"), in, v.get("weight"), v.get("bias"))));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 31, 33, 1000})
    void relu(int count) {
        new OpTestKit()
                .distinctInput("x", count)
                .check((tape, x, p, store) -> ReluOp.record(tape, "relu", x.get("x")), v -> Reference.relu(v.get("x")));
    }

    @ParameterizedTest
    @CsvSource({"1, 5, 7, 3, 3, 2, 1", "2, 8, 8, 16, 3, 2, 1", "1, 6, 4, 9, 2, 2, 0", "3, 5, 5, 8, 3, 1, 1"})
    void maxPool(int n, int h, int w, int c, int kernel, int stride, int padding) {
        new OpTestKit()
                .distinctInput("x", n, h, w, c)
                .check(
                        (tape, x, p, store) -> MaxPoolOp.record(tape, "pool", x.get("x"), kernel, stride, padding),
                        v -> Reference.maxPool(v.get("x"), n, h, w, c, kernel, stride, padding));
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 1, 1", "3, 2, 5, 33", "2, 7, 7, 16"})
    void globalAvgPool(int n, int h, int w, int c) {
        new OpTestKit()
                .input("x", n, h, w, c)
                .check(
                        (tape, x, p, store) -> GlobalAvgPoolOp.record(tape, "pool", x.get("x")),
                        v -> Reference.globalAvgPool(v.get("x"), n, h * w, c));
    }

    @ParameterizedTest
    @CsvSource({"1, 1000", "5, 33", "197, 8"})
    void l2Normalize(int rows, int width) {
        new OpTestKit()
                .input("x", rows, width)
                .check(
                        (tape, x, p, store) -> L2NormalizeOp.record(tape, "norm", x.get("x")),
                        v -> Reference.l2Normalize(v.get("x"), width));
    }

    @ParameterizedTest
    @CsvSource({"2, 1, 0.5", "2, 3, 0.1", "5, 33, 0.2", "16, 31, 0.5"})
    void ntXent(int batch, int width, double temperature) {
        new OpTestKit()
                .input("z", 2 * batch, width)
                .check(
                        (tape, x, p, store) -> NtXentOp.record(tape, "ntxent", x.get("z"), temperature),
                        v -> new double[] {Reference.ntXent(v.get("z"), width, temperature)});
    }

    /** Values computed in double precision from the formula and confirmed with lightly's implementation. */
    @ParameterizedTest
    @CsvSource({"0.1, 7.235416969922", "0.2, 3.889876294391", "0.5, 2.200622584716"})
    void ntXentGolden(double temperature, double want) {
        double[] z = new double[24];
        for (int i = 0; i < 4; i++) {
            for (int j = 0; j < 3; j++) {
                z[i * 3 + j] = Math.sin(1 + 0.7 * i + 1.3 * j);
                z[12 + i * 3 + j] = Math.cos(0.5 + 0.9 * i - 0.4 * j);
            }
        }
        assertThat(Reference.ntXent(z, 3, temperature)).isCloseTo(want, within(1e-9));
    }

    @Test
    void ntXentIsSymmetricInItsViews() {
        float[] z = new float[4 * 2 * 6];
        for (int i = 0; i < z.length; i++) {
            z[i] = (float) Math.sin(i * 0.7 + 0.1 * i * i);
        }
        float[] swapped = new float[z.length];
        System.arraycopy(z, z.length / 2, swapped, 0, z.length / 2);
        System.arraycopy(z, 0, swapped, z.length / 2, z.length / 2);
        assertThat(loss(z)).isCloseTo(loss(swapped), within(1e-6f));
    }

    private static float loss(float[] z) {
        try (CpuDevice device = CpuDevice.open(2);
                RunArena arena = new RunArena(device)) {
            Tape tape = new Tape(false);
            Tensor input = tape.input(Tensor.f32("z", 8, z.length / 8));
            input.bind(arena.allocate("z", input.bytes()), 0);
            Tensor loss = NtXentOp.record(tape, "ntxent", input, 0.5);
            tape.compile(arena);
            input.set(z);
            tape.forward();
            return loss.toFloats()[0];
        }
    }
}
