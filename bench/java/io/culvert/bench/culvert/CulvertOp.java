package io.culvert.bench.culvert;

import io.culvert.bench.BenchSettings;
import io.culvert.bench.op.OpShape;
import io.culvert.bench.op.OpSide;
import io.culvert.device.CpuDevice;
import io.culvert.device.RunArena;
import io.culvert.ops.Tape;
import io.culvert.ops.attention.AttentionOp;
import io.culvert.ops.barlow.BarlowTwinsOp;
import io.culvert.ops.batchnorm.BatchNormOp;
import io.culvert.ops.batchnorm.BatchNormState;
import io.culvert.ops.byol.ByolOp;
import io.culvert.ops.dino.DinoOp;
import io.culvert.ops.layernorm.LayerNormOp;
import io.culvert.ops.mae.MaeOp;
import io.culvert.ops.ntxent.NtXentOp;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** An operation of Culvert's: recorded on a tape, then replayed. */
public final class CulvertOp implements OpSide {
    private final CpuDevice device = CpuDevice.open(BenchSettings.threads());
    private final RunArena arena = new RunArena(device);
    private final ParameterStore store = new ParameterStore();
    private final Map<Parameter, float[]> values = new LinkedHashMap<>();
    private final Tape tape = new Tape(true);
    private final Tensor x;
    private final Tensor y;

    /** Records the operation and fills its operands. */
    public CulvertOp(OpShape s) {
        x = tape.differentiate(input("x", 0, first(s)));
        y = record(s);
        if (y.shape().count() > 1) {
            Tensor dy = tape.seedGradient(tape.keep(y));
            bind(dy);
            dy.set(OpShape.numbers(1, (int) y.shape().count()));
        }
        store.allocate(arena);
        values.forEach((parameter, numbers) -> parameter.value().set(numbers));
        store.valuesChanged();
        tape.compile(arena);
    }

    private static int[] first(OpShape s) {
        return switch (s.op()) {
            case "batch_norm" -> new int[] {s.at(0), s.at(1), s.at(2), s.at(3)};
            case "layer_norm" -> new int[] {s.at(0), s.at(1)};
            case "attention" -> new int[] {s.at(0), s.at(1), 3 * s.at(2) * s.at(3)};
            case "dino" -> new int[] {s.at(0) * s.at(1), s.at(2)};
            case "mae" -> new int[] {s.at(0), patches(s), 3 * s.at(2) * s.at(2)};
            default -> new int[] {2 * s.at(0), s.at(1)};
        };
    }

    private static int patches(OpShape s) {
        return (s.at(1) / s.at(2)) * (s.at(1) / s.at(2));
    }

    private Tensor record(OpShape s) {
        return switch (s.op()) {
            case "batch_norm" -> {
                BatchNormState state = BatchNormState.declare(store, "op", s.at(3));
                values.put(state.weight(), OpShape.gain(x.toFloats(), s.at(3)));
                yield BatchNormOp.record(tape, "op", x, null, state, BatchNormOp.Config.TORCH, true);
            }
            case "layer_norm" -> {
                Parameter weight = store.parameter("weight", s.at(1));
                float[] ones = new float[s.at(1)];
                Arrays.fill(ones, 1);
                values.put(weight, ones);
                yield LayerNormOp.record(tape, "op", x, weight, store.parameter("bias", s.at(1)), 1e-6);
            }
            case "attention" -> AttentionOp.record(tape, "op", x, s.at(2), 1 / Math.sqrt(s.at(3)));
            case "nt_xent" -> NtXentOp.record(tape, "op", x, 0.2);
            case "barlow_twins" -> BarlowTwinsOp.record(tape, "op", x, new BarlowTwinsOp.Config(0.005, 1, 1e-5));
            case "byol" -> ByolOp.record(tape, "op", x, input("target", 2, 2 * s.at(0), s.at(1)));
            case "dino" ->
                DinoOp.record(
                                tape,
                                "op",
                                x,
                                input("teacher", 2, 2 * s.at(0), s.at(2)),
                                store.buffer("center", s.at(2)),
                                new DinoOp.Config(0.1, 0.04, 0.9, s.at(1)))
                        .loss();
            case "mae" -> {
                Tensor image = input("image", 2, s.at(0), s.at(1), s.at(1), 3);
                Tensor mask = input("mask", 3, s.at(0), patches(s));
                mask.set(OpShape.mask(s.at(0) * patches(s)));
                yield MaeOp.record(tape, "op", x, image, mask, s.at(2), true);
            }
            default -> throw new AssertionError(s);
        };
    }

    private Tensor input(String name, int seed, int... shape) {
        Tensor tensor = tape.input(Tensor.f32(name, shape));
        bind(tensor);
        tensor.set(OpShape.numbers(seed, (int) tensor.shape().count()));
        return tensor;
    }

    private void bind(Tensor tensor) {
        tensor.bind(arena.allocate(tensor.name(), tensor.bytes()), 0);
    }

    @Override
    public void forward() {
        tape.forward();
    }

    @Override
    public void train() {
        store.zeroGradients();
        tape.forward();
        tape.backward();
    }

    @Override
    public double outputNorm() {
        return OpSide.norm(y.toFloats());
    }

    @Override
    public double gradientNorm() {
        return OpSide.norm(tape.gradients(x).getFirst().peek());
    }

    @Override
    public void close() {
        arena.close();
        device.close();
    }
}
