package io.culvert.optim;

import io.culvert.device.Buffer;
import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.device.RunArena;
import io.culvert.tensor.ParameterStore;

/**
 * How large a step was, over all parameters at once: {@link #before} copies the weights aside, {@link #after} compares.
 * Both are called around a step that is logged and cost nothing in others. Holds one more copy of the weights.
 */
public final class SlabNorms {
    /** One device's pass over the slabs. */
    interface Kernel {
        /** {@code |gradients|^2}, {@code |before|^2} and {@code |values - before|^2}; waits for the device. */
        void squares(double[] to);
    }

    final ParameterStore store;
    final Buffer before;
    private final SlabCopy copy;
    private final Kernel kernel;
    private final double[] squares = new double[3];

    /** @param store allocated, with gradients */
    public SlabNorms(RunArena arena, ParameterStore store) {
        this.store = store;
        copy = new SlabCopy(arena, store.values(), "weights before the step");
        before = copy.kept();
        kernel = kernelOf(arena);
    }

    private Kernel kernelOf(RunArena arena) {
        Device device = arena.device();
        return switch (device) {
            case CpuDevice cpu -> new CpuSlabNorms(cpu, this);
            case CudaDevice cuda -> new CudaSlabNorms(cuda.context(), arena, this);
        };
    }

    /** Keeps the weights as they are now. */
    public void before() {
        copy.keep();
    }

    /** Compares with what {@link #before} kept; waits for the device. */
    public void after() {
        kernel.squares(squares);
    }

    /** {@code |g|} of all gradients, as they were when {@link #after} was called. */
    public double gradientNorm() {
        return Math.sqrt(squares[0]);
    }

    /** {@code |w_after - w_before| / |w_before|}; 0 where all weights were 0. */
    public double updateRatio() {
        return squares[1] == 0 ? 0 : Math.sqrt(squares[2] / squares[1]);
    }
}
