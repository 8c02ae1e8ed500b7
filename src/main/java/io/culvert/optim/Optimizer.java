package io.culvert.optim;

import io.culvert.device.Buffer;
import java.util.Map;

/** Moves the values of a parameter store along its gradients, slab-wide. */
public interface Optimizer {
    /** One update with this learning rate from the gradients that have accumulated. */
    void step(double learningRate);

    /** What must be kept to resume: slabs laid out as the parameters are, by name. */
    Map<String, Buffer> state();

    /** Continues from a checkpoint: {@code done} updates have been made. */
    default void resumeAt(int done) {}

    /** Its name in configurations. */
    String name();
}
