package io.culvert.optim;

import io.culvert.device.Buffer;
import io.culvert.device.Device;
import io.culvert.device.RunArena;
import io.culvert.tensor.ParameterStore;
import java.util.Map;

/** Moves the values of a parameter store along its gradients; the rate of an update is the learning rate. */
public abstract class Optimizer extends SlabUpdate {
    Optimizer(Device device, ParameterStore store, int rates) {
        super(device, store, rates);
    }

    /** Zeros of the parameters' layout. */
    Buffer slab(RunArena arena, String purpose) {
        return arena.allocate(purpose, store.values().bytes());
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
