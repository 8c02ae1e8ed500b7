package io.culvert.ops;

import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.device.CpuDevice;
import io.culvert.device.RunArena;
import io.culvert.ops.batchnorm.BatchNormOp;
import io.culvert.ops.batchnorm.BatchNormState;
import io.culvert.ops.layernorm.LayerNormOp;
import io.culvert.ops.linear.LinearOp;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Layers of a normalisation and a product, whose gradient needs the normalised values, with these kept and computed again. */
class RenewOpTest {
    private static final int ROWS = 70;
    private static final int WIDTH = 33;
    private static final int LAYERS = 6;

    private enum Norm {
        LAYER,
        BATCH,
        /** With the normalised values of the layer before added. */
        RESIDUAL
    }

    private record Learned(long bytes, List<String> backward, List<float[]> gradients) {}

    private static Learned learn(boolean keep, Norm norm) {
        try (CpuDevice device = CpuDevice.open(2);
                RunArena arena = new RunArena(device)) {
            ParameterStore store = new ParameterStore();
            Tape tape = new Tape(true);
            Tensor x = tape.differentiate(tape.input(Tensor.f32("x", ROWS, WIDTH)));
            List<Tensor> normal = new ArrayList<>();
            List<Parameter> parameters = new ArrayList<>();
            Tensor h = x;
            for (int layer = 0; layer < LAYERS; layer++) {
                Tensor residual = norm == Norm.RESIDUAL && layer > 0 ? normal.getLast() : null;
                normal.add(normalise(tape, store, layer, norm, parameters, h, residual));
                Parameter weight = store.parameter("weight" + layer, WIDTH, WIDTH);
                parameters.add(weight);
                h = LinearOp.record(tape, "linear" + layer, normal.getLast(), weight, null);
            }
            Tensor seed = tape.seedGradient(h);
            if (keep) {
                normal.forEach(tape::keep);
            }
            store.allocate(arena);
            for (Tensor tensor : List.of(x, seed)) {
                tensor.bind(arena.allocate(tensor.name(), tensor.bytes()), 0);
                tensor.set(numbers(tensor, 3));
            }
            parameters.forEach(parameter -> parameter.value().set(numbers(parameter.value(), 7)));
            store.valuesChanged();
            tape.compile(arena);
            tape.forward();
            tape.backward();
            List<float[]> gradients = new ArrayList<>();
            gradients.add(tape.gradient(x).toFloats());
            parameters.forEach(parameter -> gradients.add(parameter.gradient().toFloats()));
            return new Learned(tape.stepBytes(), tape.backwardOps().stream().map(Op::name).toList(), gradients);
        }
    }

    private static Tensor normalise(
            Tape tape, ParameterStore store, int layer, Norm norm, List<Parameter> parameters, Tensor x, Tensor residual) {
        String name = "norm" + layer;
        if (norm != Norm.LAYER) {
            BatchNormState state = BatchNormState.declare(store, name, WIDTH);
            parameters.add(state.weight());
            parameters.add(state.bias());
            return BatchNormOp.record(tape, name, x, residual, state, BatchNormOp.Config.TORCH.withRelu(true), true);
        }
        Parameter weight = store.parameter(name + ".weight", WIDTH);
        Parameter bias = store.parameter(name + ".bias", WIDTH);
        parameters.add(weight);
        parameters.add(bias);
        return LayerNormOp.record(tape, name, x, weight, bias, 1e-6);
    }

    private static float[] numbers(Tensor tensor, int seed) {
        float[] values = new float[(int) tensor.shape().count()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) Math.sin(seed + 0.7 * i);
        }
        return values;
    }

    @Test
    void layerNormIsTheSameToTheBitInLessMemory() {
        check(Norm.LAYER, List.of("norm1.again", "linear1", "norm1", "norm0.again", "linear0", "norm0"), LAYERS - 2);
    }

    @Test
    void batchNormIsTheSameToTheBitInLessMemory() {
        check(Norm.BATCH, List.of("norm1.again", "linear1", "norm1", "norm0.again", "linear0", "norm0"), LAYERS - 2);
    }

    @Test
    void ofAChainOfResidualSumsEveryOtherIsKept() {
        Learned renewed = check(
                Norm.RESIDUAL,
                List.of("norm2.again", "linear2", "norm2", "linear1", "norm1", "norm0.again", "linear0", "norm0"),
                LAYERS / 2 - 1);
        assertThat(renewed.backward).doesNotContain("norm1.again", "norm3.again");
    }

    /** @param free layers whose normalised values are free at the peak, at least */
    private static Learned check(Norm norm, List<String> order, int free) {
        Learned kept = learn(true, norm);
        Learned renewed = learn(false, norm);
        assertThat(kept.backward).noneMatch(name -> name.endsWith(".again"));
        assertThat(renewed.backward).containsSubsequence(order);
        for (int i = 0; i < kept.gradients.size(); i++) {
            assertThat(renewed.gradients.get(i)).as("gradient " + i).isEqualTo(kept.gradients.get(i));
            assertThat(kept.gradients.get(i)).as("gradient " + i).doesNotContain(Float.NaN);
        }
        long values = (long) ROWS * WIDTH * Float.BYTES;
        assertThat(kept.bytes - renewed.bytes).isGreaterThanOrEqualTo(free * values);
        return renewed;
    }
}
