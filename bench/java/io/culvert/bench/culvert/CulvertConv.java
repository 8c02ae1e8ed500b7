package io.culvert.bench.culvert;

import io.culvert.bench.BenchSettings;
import io.culvert.bench.conv.ConvShape;
import io.culvert.device.CpuDevice;
import io.culvert.device.RunArena;
import io.culvert.model.Init;
import io.culvert.ops.Tape;
import io.culvert.ops.conv2d.Conv2dOp;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** A single convolution of Culvert's: recorded on a tape, then replayed. */
public final class CulvertConv implements AutoCloseable {
    private final CpuDevice device = CpuDevice.open(BenchSettings.threads());
    private final RunArena arena = new RunArena(device);
    private final ParameterStore store = new ParameterStore();
    private final Tape tape;

    /** Fills image batch and weights; with gradients of both if {@code train}. */
    public CulvertConv(ConvShape s, boolean train) {
        tape = new Tape(train);
        Parameter weight = store.parameter("weight", s.o(), s.c(), s.kernel(), s.kernel());
        Tensor x = tape.input(Tensor.f32("x", s.n(), s.h(), s.w(), s.c()));
        x.bind(arena.allocate("x", x.bytes()), 0);
        fill(x);
        if (train) {
            tape.differentiate(x);
        }
        Tensor y = tape.keep(Conv2dOp.record(tape, "conv", x, weight, s.stride(), s.padding()));
        if (train) {
            Tensor seed = tape.seedGradient(y);
            seed.bind(arena.allocate("dy", seed.bytes()), 0);
            fill(seed);
        }
        store.allocate(arena);
        new Init(42).kaimingNormalFanOut(weight);
        store.valuesChanged();
        tape.compile(arena);
    }

    private void fill(Tensor tensor) {
        MemorySegment values =
                CulvertStep.normal(arena, tensor.name(), tensor.shape().count());
        tensor.data().copyFrom(values);
    }

    /** The convolution alone, weights unchanged since the last call. */
    public void forward() {
        tape.forward();
    }

    /** The convolution and the gradients of image batch and weights, as if an optimiser had moved the weights. */
    public void train() {
        store.valuesChanged();
        store.zeroGradients();
        tape.forward();
        tape.backward();
    }

    @Override
    public void close() {
        arena.close();
        device.close();
    }
}
