package io.culvert.optim;

import io.culvert.device.Buffer;
import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.device.RunArena;
import io.culvert.tensor.ParameterStore;
import java.util.Map;

/**
 * Layer-wise adaptive rate scaling (You et al. 2017) in the form of the Barlow Twins and DINO code, which the study
 * uses. Per parameter: {@code g += decay p; g *= trust |p| / |g|} (1 where either norm is 0);
 * {@code m = momentum m + g; p -= lr m}. One-dimensional parameters take neither decay nor adaptation.
 */
public final class Lars implements Optimizer {
    /** One device's update of every parameter. */
    interface Kernel {
        void step(float learningRate);
    }

    final ParameterStore store;
    final Buffer momentumBuffer;
    final float momentum;
    final float weightDecay;
    final double trust;
    private final Kernel kernel;

    public Lars(RunArena arena, ParameterStore store, double momentum, double weightDecay, double trust) {
        this.store = store;
        this.momentum = (float) momentum;
        this.weightDecay = (float) weightDecay;
        this.trust = trust;
        momentumBuffer = arena.allocate("momentum", store.values().bytes());
        kernel = kernel(arena.device());
    }

    private Kernel kernel(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuLars(cpu, this);
            case CudaDevice cuda -> new CudaLars(cuda.context(), this);
        };
    }

    @Override
    public void step(double learningRate) {
        kernel.step((float) learningRate);
        store.valuesChanged();
    }

    @Override
    public Map<String, Buffer> state() {
        return Map.of("momentum", momentumBuffer);
    }

    @Override
    public String name() {
        return "lars";
    }
}
