package io.culvert.optim;

import io.culvert.device.Buffer;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.device.RunArena;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import java.util.Map;

/**
 * Moves the values of a parameter store along its gradients, slab-wide. A step is two calls: {@link #prepare} says what
 * differs from step to step, {@link #update} is always the same, so that a device may record and repeat it.
 */
public abstract class Optimizer {
    /** One device's slab-wide update, by the rates that were prepared. */
    interface Kernel {
        void update();
    }

    final ParameterStore store;
    /** What an update reads that differs from step to step; the learning rate or what follows from it. */
    final float[] rates;
    /** The same in the memory of a GPU; null on the CPU. */
    final CudaRates cudaRates;

    private Kernel kernel;
    private Tensor loss;

    Optimizer(Device device, ParameterStore store, int rates) {
        this.store = store;
        this.rates = new float[rates];
        cudaRates = device instanceof CudaDevice cuda ? new CudaRates(cuda.context(), rates) : null;
    }

    /** Zeros of the parameters' layout. */
    Buffer slab(RunArena arena, String purpose) {
        return arena.allocate(purpose, store.values().bytes());
    }

    final void kernel(Kernel made) {
        kernel = made;
    }

    /** Makes no update from now on while this scalar is not finite: a run that diverges keeps its last good weights. */
    public final void guard(Tensor scalar) {
        loss = scalar;
        if (cudaRates != null) {
            cudaRates.guard(scalar.address());
        }
    }

    /** Sets the learning rate of the next update. */
    public final void prepare(double learningRate) {
        rates(learningRate);
        if (cudaRates != null) {
            cudaRates.send(rates);
        }
    }

    /** Fills {@link #rates} for the next update. */
    abstract void rates(double learningRate);

    /** One update from the gradients that have accumulated. */
    public final void update() {
        if (cudaRates != null) {
            cudaRates.applyGuard();
        } else if (loss != null && !Float.isFinite(loss.item())) {
            return;
        }
        kernel.update();
        store.valuesChanged();
    }

    /** {@link #prepare} and {@link #update}. */
    public final void step(double learningRate) {
        prepare(learningRate);
        update();
    }

    /** What must be kept to resume: slabs laid out as the parameters are, by name. */
    public abstract Map<String, Buffer> state();

    /** Continues from a checkpoint: {@code done} updates have been made. */
    public void resumeAt(int done) {}

    /** Its name in configurations. */
    public abstract String name();
}
