package io.culvert.bench.culvert;

import io.culvert.bench.BenchSettings;
import io.culvert.bench.op.OpShape;
import io.culvert.bench.op.OpSide;
import io.culvert.device.CpuDevice;
import io.culvert.device.Device;
import io.culvert.device.RunArena;
import io.culvert.ops.Cost;
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
import io.culvert.tensor.DType;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Shape;
import io.culvert.tensor.Tensor;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/** An operation of Culvert's: recorded on a tape, then replayed. */
public final class CulvertOp implements OpSide {
    private final Device device;
    private final boolean owner;
    private final RunArena arena;
    private final ParameterStore store = new ParameterStore();
    private final Map<Tensor, Supplier<float[]>> inputs = new LinkedHashMap<>();
    private final Map<Parameter, Supplier<float[]>> values = new LinkedHashMap<>();
    private final Tape tape = new Tape(true);
    private final Tensor x;
    private final Tensor y;

    /** Records the operation on the CPU and fills its operands. */
    public CulvertOp(OpShape s) {
        this(CpuDevice.open(BenchSettings.threads()), true, s);
        compile();
    }

    /** Records the operation on a device, which stays open, and fills its operands. */
    public CulvertOp(Device device, OpShape s) {
        this(device, false, s);
        compile();
    }

    private CulvertOp(Device device, boolean owner, OpShape s) {
        this.device = device;
        this.owner = owner;
        arena = new RunArena(device);
        x = tape.differentiate(input("x", type(s), 0, first(s)));
        y = record(s);
        if (y.shape().count() > 1) {
            inputs.put(tape.seedGradient(tape.keep(y)), () -> OpShape.numbers(1, (int) y.shape().count()));
        }
    }

    /** What the operation must do at least on a device, on which it takes no memory and runs nothing. */
    public static Cost cost(Device device, OpShape s) {
        try (CulvertOp recorded = new CulvertOp(device, false, s)) {
            recorded.tape.plannedBytes(device); // finds what goes backward
            return recorded.tape.cost();
        }
    }

    private void compile() {
        inputs.forEach((tensor, numbers) -> {
            tensor.bind(arena.allocate(tensor.name(), tensor.bytes()), 0);
            tensor.set(numbers.get());
        });
        store.allocate(arena);
        values.forEach((parameter, numbers) -> parameter.value().set(numbers.get()));
        store.valuesChanged();
        tape.compile(arena);
    }

    /** Losses take single precision, as they do behind any network. */
    private DType type(OpShape s) {
        return s.isLoss() ? DType.F32 : DType.compute(device);
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
                values.put(state.weight(), () -> OpShape.gain(inputs.get(x).get(), s.at(3)));
                yield BatchNormOp.record(tape, "op", x, null, state, BatchNormOp.Config.TORCH, true);
            }
            case "layer_norm" -> {
                Parameter weight = store.parameter("weight", s.at(1));
                float[] ones = new float[s.at(1)];
                Arrays.fill(ones, 1);
                values.put(weight, () -> ones);
                yield LayerNormOp.record(tape, "op", x, weight, store.parameter("bias", s.at(1)), 1e-6);
            }
            case "attention" -> AttentionOp.record(tape, "op", x, s.at(2), 1 / Math.sqrt(s.at(3)));
            case "nt_xent" -> NtXentOp.record(tape, "op", x, 0.2);
            case "barlow_twins" -> BarlowTwinsOp.record(tape, "op", x, new BarlowTwinsOp.Config(0.005, 1, 1e-5));
            case "byol" -> ByolOp.record(tape, "op", x, input("target", DType.F32, 2, 2 * s.at(0), s.at(1)));
            case "dino" ->
                DinoOp.record(
                                tape,
                                "op",
                                x,
                                input("teacher", DType.F32, 2, 2 * s.at(0), s.at(2)),
                                store.buffer("center", s.at(2)),
                                new DinoOp.Config(0.1, 0.04, 0.9, s.at(1)))
                        .loss();
            case "mae" -> {
                Tensor image = input("image", DType.F32, 2, s.at(0), s.at(1), s.at(1), 3);
                Tensor mask = input("mask", DType.F32, 3, s.at(0), patches(s));
                inputs.put(mask, () -> OpShape.mask(s.at(0) * patches(s)));
                yield MaeOp.record(tape, "op", x, image, mask, s.at(2), true);
            }
            default -> throw new AssertionError(s);
        };
    }

    private Tensor input(String name, DType type, int seed, int... shape) {
        Tensor tensor = tape.input(new Tensor(name, Shape.of(shape), type));
        inputs.put(tensor, () -> OpShape.numbers(seed, (int) tensor.shape().count()));
        return tensor;
    }

    @Override
    public void forward() {
        tape.forward();
    }

    @Override
    public void train() {
        if (!store.parameters().isEmpty()) {
            store.zeroGradients();
        }
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
        if (owner) {
            device.close();
        }
    }
}
