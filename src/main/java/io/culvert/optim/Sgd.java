package io.culvert.optim;

import io.culvert.device.Buffer;
import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.device.RunArena;
import io.culvert.tensor.ParameterStore;
import java.util.Map;

/**
 * Stochastic gradient descent with momentum as PyTorch computes it: {@code g += decay p; m = momentum m + g; p -= lr m},
 * or {@code p -= lr (g + momentum m)} with Nesterov. Decay applies to every parameter.
 */
public final class Sgd extends Optimizer {
    final Buffer momentumBuffer;
    final float momentum;
    final float weightDecay;
    final boolean nesterov;

    public Sgd(RunArena arena, ParameterStore store, double momentum, double weightDecay, boolean nesterov) {
        super(arena.device(), store, 1);
        this.momentum = (float) momentum;
        this.weightDecay = (float) weightDecay;
        this.nesterov = nesterov;
        momentumBuffer = slab(arena, "momentum");
        kernel(kernel(arena.device()));
    }

    private Kernel kernel(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuSgd(cpu, this);
            case CudaDevice cuda -> new CudaSgd(cuda.context(), this);
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
        return "sgd";
    }
}
