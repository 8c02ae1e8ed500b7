package io.culvert.optim;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.RunArena;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import java.util.List;

/**
 * What happens to gradients between backward and the update, in place: the sum over a step's passes becomes their mean, and
 * is clipped. The device finds the norms itself, in a fixed order, so the work may be recorded.
 */
public final class GradientScale {
    /**
     * Clipping: gradients times {@code min(1, threshold / (norm + 1e-6))}.
     *
     * @param global by the norm of all together, as torch.nn.utils.clip_grad_norm_; else each tensor by its own, as DINO's
     *     code
     * @param parameters those that are clipped; others keep their gradients
     */
    public record Clip(double threshold, boolean global, List<Parameter> parameters) {
        public Clip {
            parameters = List.copyOf(parameters);
        }
    }

    /** One device's work. */
    interface Kernel {
        void apply();
    }

    final ParameterStore store;
    final double mean;
    /** Null if nothing is clipped. */
    final Clip clip;

    private final Tensor norm;
    private final Kernel kernel;

    /**
     * @param passes whose gradients were added
     * @param clip null: none
     */
    public GradientScale(RunArena arena, ParameterStore store, int passes, Clip clip) {
        this.store = store;
        this.clip = clip;
        mean = 1.0 / passes;
        norm = Tensor.f32("gradient norm", 1);
        norm.bind(arena.allocate("gradient norm", norm.bytes()), 0);
        kernel = switch (arena.device()) {
            case CpuDevice cpu -> new CpuGradientScale(cpu, this);
            case CudaDevice cuda -> new CudaGradientScale(cuda.context(), this);
        };
    }

    /** To be called once, after the last backward of a step. */
    public void apply() {
        kernel.apply();
    }

    /** {@code [1]}: the norm of all mean gradients that are clipped, together, as it was before; 0 without clipping. */
    public Tensor norm() {
        return norm;
    }
}
