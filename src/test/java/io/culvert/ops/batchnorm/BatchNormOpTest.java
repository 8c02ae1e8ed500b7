package io.culvert.ops.batchnorm;

import static io.culvert.ops.OpTestKit.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.culvert.device.CpuDevice;
import io.culvert.device.RunArena;
import io.culvert.ops.OpTestKit;
import io.culvert.ops.Tape;
import io.culvert.reference.Reference;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BatchNormOpTest {
    @ParameterizedTest(name = "rows {0} channels {1} relu {2} residual {3} groups {4}")
    @CsvSource({
        "4, 1, false, false, 1",
        "31, 3, false, false, 1",
        "130, 8, true, false, 1",
        "66, 33, true, true, 1",
        "66, 16, true, true, 2",
        "200, 9, false, true, 2",
        "197, 24, true, false, 1",
    })
    void matchesItsTwin(int rows, int channels, boolean relu, boolean residual, int groups) {
        BatchNormOp.Config config = new BatchNormOp.Config(1e-5, 0.1, relu, groups);
        OpTestKit kit = new OpTestKit()
                .input("x", rows, channels)
                .parameter("weight", channels)
                .parameter("bias", channels);
        if (residual) {
            kit.input("residual", rows, channels);
        }
        kit.check(
                (tape, inputs, parameters, store) -> BatchNormOp.record(
                        tape,
                        "bn",
                        inputs.get("x"),
                        inputs.get("residual"),
                        new BatchNormState(
                                parameters.get("weight"),
                                parameters.get("bias"),
                                store.buffer("running_mean", channels),
                                store.buffer("running_var", channels)),
                        config,
                        true),
                v -> Reference.batchNorm(
                        v.get("x"), channels, v.get("weight"), v.get("bias"), v.get("residual"), 1e-5, relu, groups));
    }

    @Test
    void aLargeMeanCostsNoDigits() {
        int rows = 1000;
        try (CpuDevice device = CpuDevice.open(2);
                RunArena arena = new RunArena(device)) {
            ParameterStore store = new ParameterStore();
            BatchNormState state = BatchNormState.declare(store, "bn", 8);
            Tape tape = new Tape(false);
            Tensor x = tape.input(Tensor.f32("x", rows, 8));
            x.bind(arena.allocate("x", x.bytes()), 0);
            Tensor y = tape.keep(BatchNormOp.record(tape, "bn", x, null, state, BatchNormOp.Config.TORCH, true));
            store.allocate(arena);
            state.weight().value().set(1, 1, 1, 1, 1, 1, 1, 1);
            float[] values = new float[rows * 8];
            double[] exact = new double[rows * 8];
            for (int i = 0; i < values.length; i++) {
                values[i] = 1000f + (float) Math.sin(i) * 0.5f;
                exact[i] = values[i];
            }
            x.set(values);
            tape.compile(arena);
            tape.forward();
            double[] one = {1, 1, 1, 1, 1, 1, 1, 1};
            double[] want = Reference.batchNorm(exact, 8, one, new double[8], null, 1e-5, false, 1);
            // y = x * scale + shift loses log2(1000 / 0.35) bits of x's 24; the statistics must not lose more.
            assertClose("y", y.toFloats(), want, 3e-4);
            assertThat(state.runningVar().toFloats()[0]).isCloseTo(0.0125f, within(2e-4f));
        }
    }

    @Test
    void evaluationUsesRunningStatisticsAndLeavesThem() {
        int channels = 5;
        double[] mean = {0.5, -1, 0, 2, 3};
        double[] variance = {1, 0.25, 4, 2, 0.5};
        new OpTestKit()
                .input("x", 13, channels)
                .parameter("weight", channels)
                .parameter("bias", channels)
                .check(
                        (tape, inputs, parameters, store) -> {
                            Tensor runningMean = given("running_mean", mean);
                            Tensor runningVar = given("running_var", variance);
                            return BatchNormOp.record(
                                    tape,
                                    "bn",
                                    inputs.get("x"),
                                    null,
                                    new BatchNormState(
                                            parameters.get("weight"), parameters.get("bias"), runningMean, runningVar),
                                    BatchNormOp.Config.TORCH,
                                    false);
                        },
                        v -> Reference.affine(
                                v.get("x"), channels, v.get("weight"), v.get("bias"), mean, variance, 1e-5));
    }

    /** A buffer outside the store's slab, so that it can be filled before the store is allocated. */
    private static Tensor given(String name, double[] values) {
        Tensor tensor = Tensor.f32(name, values.length);
        CpuDevice device = CpuDevice.open(1);
        tensor.bind(new RunArena(device).allocate(name, tensor.bytes()), 0);
        float[] floats = new float[values.length];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) values[i];
        }
        tensor.set(floats);
        return tensor;
    }
}
