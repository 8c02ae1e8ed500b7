package io.culvert.optim;

import io.culvert.device.Buffer;
import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.device.RunArena;
import io.culvert.tensor.ParameterStore;
import java.util.Map;

/**
 * Layer-wise adaptive rate scaling (You et al. 2017). Per parameter: {@code g += decay p; g *= trust |p| / |g|} (1 where
 * either norm is 0); {@code m = momentum m + g; p -= lr m}. One-dimensional parameters take neither decay nor adaptation.
 */
public final class Lars extends Optimizer {
    /** What the norm of a parameter is divided by. */
    public enum Form {
        /** {@code |g + decay p|}, as in the code of Barlow Twins, DINO and the study. */
        BARLOW,
        /**
         * {@code |g| + decay |p| + 1e-8}, as in lightly and lightning-bolts; where the decay or either norm is 0 there is
         * neither decay nor adaptation.
         */
        LIGHTLY
    }

    static final int RATES = 2;

    final Buffer momentumBuffer;
    final float momentum;
    final double trust;
    /** Whether the norms of gradient and decay are taken apart. */
    final boolean apart;

    /** The form of Barlow Twins, one learning rate for all parameters. */
    public Lars(RunArena arena, ParameterStore store, double momentum, double weightDecay, double trust) {
        this(arena, store, Groups.ALIKE, momentum, weightDecay, trust, Form.BARLOW);
    }

    public Lars(
            RunArena arena, ParameterStore store, Groups groups, double momentum, double weightDecay, double trust,
            Form form) {
        super(arena.device(), store, groups.sparingVectors(), RATES, weightDecay);
        this.momentum = (float) momentum;
        this.trust = trust;
        apart = form == Form.LIGHTLY;
        momentumBuffer = slab(arena, "momentum");
        kernel(kernel(arena.device()));
    }

    private Kernel kernel(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuLars(cpu, this);
            case CudaDevice cuda -> new CudaLars(cuda.context(), this);
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
        return "lars";
    }
}
