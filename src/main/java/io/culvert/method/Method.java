package io.culvert.method;

import io.culvert.model.Init;
import io.culvert.ops.Tape;
import io.culvert.tensor.Tensor;

/** A way to train an encoder: how many views of an image it looks at, and the loss that it records on a tape. */
public interface Method {
    /** Its name in configurations. */
    String name();

    /** Views that the loader draws of each image. */
    int views();

    /** Sets the initial values of whatever the method adds to the encoder. */
    void initialise(Init init);

    /**
     * Records one training step from pixels to loss.
     *
     * @param pixels {@code [views * B, H, W, 3]}, all first views before all second ones
     */
    Recorded record(Tape tape, Tensor pixels);

    /** The scalar loss {@code [1]} and what the diagnosis reads: features and embeddings, {@code [views * B, ...]}. */
    record Recorded(Tensor loss, Tensor features, Tensor embeddings) {}
}
