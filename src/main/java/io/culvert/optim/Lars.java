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
public final class Lars extends Optimizer {
    final Buffer momentumBuffer;
    final float momentum;
    final float weightDecay;
    final double trust;

    public Lars(RunArena arena, ParameterStore store, double momentum, double weightDecay, double trust) {
        super(arena.device(), store, 1);
        this.momentum = (float) momentum;
        this.weightDecay = (float) weightDecay;
        this.trust = trust;
        momentumBuffer = slab(arena, "momentum");
        kernel(kernel(arena.device()));
    }

    private Kernel kernel(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuLars(cpu, this);
            case CudaDevice cuda -> new CudaLars(cuda.context(), this);
        };
    }

    @Override
    void rates(double learningRate) {
        rates[0] = (float) learningRate;
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
