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
 * or {@code p -= lr (g + momentum m)} with Nesterov.
 */
public final class Sgd extends Optimizer {
    static final int RATES = 2;

    final Buffer momentumBuffer;
    final float momentum;
    final boolean nesterov;

    /** One rule for all parameters. */
    public Sgd(RunArena arena, ParameterStore store, double momentum, double weightDecay, boolean nesterov) {
        this(arena, store, Groups.ALIKE, momentum, weightDecay, nesterov);
    }

    public Sgd(
            RunArena arena, ParameterStore store, Groups groups, double momentum, double weightDecay, boolean nesterov) {
        super(arena.device(), store, groups, RATES, weightDecay);
        this.momentum = (float) momentum;
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

    /** The learning rate and the decay. */
    @Override
    void rates(int at, int update, double learningRate, double decay) {
        rates[at] = (float) learningRate;
        rates[at + 1] = (float) decay;
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
