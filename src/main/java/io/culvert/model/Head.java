package io.culvert.model;

import io.culvert.ops.Tape;
import io.culvert.tensor.Tensor;

/** What stands behind an encoder while a method trains it. */
public interface Head {
    /** Sets its parameters to their initial values. */
    void initialise(Init init);

    /**
     * Records it in training.
     *
     * @param views how many equal parts of the batch are normalised apart
     * @return {@code [N, out]} from {@code [N, in]}
     */
    Tensor record(Tape tape, Tensor x, int views);
}
