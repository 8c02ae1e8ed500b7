package io.culvert.optim;

import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;

/**
 * Changes all values of a parameter store at once, slab-wide. It takes two calls: {@link #prepare} says what differs from
 * step to step, {@link #update} is always the same, so that a device may record and repeat it.
 */
public abstract class SlabUpdate {
    /** One device's update, by the rates that were prepared. */
    interface Kernel {
        void update();
    }

    final ParameterStore store;
    /** What an update reads that differs from step to step. */
    final float[] rates;
    /** The same in the memory of a GPU; null on the CPU. */
    final CudaRates cudaRates;

    private Kernel kernel;
    private Tensor loss;

    SlabUpdate(Device device, ParameterStore store, int rates) {
        this.store = store;
        this.rates = new float[rates];
        cudaRates = device instanceof CudaDevice cuda ? new CudaRates(cuda.context(), rates) : null;
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

    /** Sets the rate of the next update. */
    public final void prepare(double rate) {
        rates(rate);
        if (cudaRates != null) {
            cudaRates.send(rates);
        }
    }

    /** Fills {@link #rates} for the next update. */
    abstract void rates(double rate);

    /** One update. */
    public final void update() {
        if (cudaRates != null) {
            cudaRates.applyGuard();
        } else if (loss != null && !Float.isFinite(loss.item())) {
            return;
        }
        kernel.update();
        store.valuesChanged();
    }
}
