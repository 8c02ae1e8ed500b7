package io.culvert.optim;

import io.culvert.device.Buffer;

/** Moves the values of a parameter store along its gradients, slab-wide. */
public interface Optimizer {
    /** One update with this learning rate from the gradients that have accumulated. */
    void step(double learningRate);

    /** What must be kept to resume: the momentum slab, laid out as the parameters are. */
    Buffer state();

    /** Its name in configurations. */
    String name();
}
