package io.culvert.optim;

import io.culvert.device.Buffer;
import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.device.RunArena;
import io.culvert.tensor.ParameterStore;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2) as PyTorch computes it:
 *
 * <pre>p *= 1 - lr decay; m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2;
 * p -= lr / (1 - b1^t) * m / (sqrt(v / (1 - b2^t)) + eps)</pre>
 */
public final class AdamW extends Optimizer {
    static final int RATES = 3;

    final Buffer first;
    final Buffer second;
    final double beta1;
    final double beta2;
    final float eps;

    /** One rule for all parameters. */
    public AdamW(
            RunArena arena, ParameterStore store, double beta1, double beta2, double eps, double weightDecay) {
        this(arena, store, Groups.ALIKE, beta1, beta2, eps, weightDecay);
    }

    public AdamW(
            RunArena arena, ParameterStore store, Groups groups, double beta1, double beta2, double eps,
            double weightDecay) {
        super(arena.device(), store, groups, RATES, weightDecay);
        this.beta1 = beta1;
        this.beta2 = beta2;
        this.eps = (float) eps;
        first = slab(arena, "first moments");
        second = slab(arena, "second moments");
        kernel(kernel(arena.device()));
    }

    private Kernel kernel(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuAdamW(cpu, this);
            case CudaDevice cuda -> new CudaAdamW(cuda.context(), this);
        };
    }

    /** {@code lr / (1 - b1^t)}, {@code 1 / sqrt(1 - b2^t)} and {@code 1 - lr decay}. */
    @Override
    void rates(int at, int update, double learningRate, double decay) {
        rates[at] = (float) (learningRate / (1 - Math.pow(beta1, update)));
        rates[at + 1] = (float) (1 / Math.sqrt(1 - Math.pow(beta2, update)));
        rates[at + 2] = (float) (1 - learningRate * decay);
    }

    @Override
    public Map<String, Buffer> state() {
        Map<String, Buffer> state = new LinkedHashMap<>();
        state.put("exp_avg", first);
        state.put("exp_avg_sq", second);
        return state;
    }

    @Override
    public String name() {
        return "adamw";
    }
}
