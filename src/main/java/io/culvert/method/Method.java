package io.culvert.method;

import io.culvert.model.Init;
import io.culvert.ops.Tape;
import io.culvert.tensor.Tensor;
import java.util.Optional;

/** A way to train an encoder: how many views of an image it looks at, and the loss that it records on a tape. */
public interface Method {
    /** Its name in configurations. */
    String name();

    /** Views that the loader draws of each image. */
    int views();

    /** Sets the initial values of whatever the method adds to the encoder, after the encoder's own. */
    void initialise(Init init);

    /** The averaged copy of the network, if the method has one. */
    default Optional<Teacher> teacher() {
        return Optional.empty();
    }

    /**
     * Records one training step from pixels to loss.
     *
     * @param pixels {@code [views * B, H, W, 3]}, all first views before all second ones
     */
    Recorded record(Tape tape, Tensor pixels);

    /**
     * What was recorded.
     *
     * @param loss {@code [1]}
     * @param features what the diagnosis reads, {@code [views * B, D]}
     * @param embeddings what the diagnosis reads, {@code [views * B, ...]}
     * @param labels {@code [B]} floats to be filled before each step, 1 for a defect; null if the method needs none
     */
    record Recorded(Tensor loss, Tensor features, Tensor embeddings, Tensor labels) {
        /** Without labels. */
        public Recorded(Tensor loss, Tensor features, Tensor embeddings) {
            this(loss, features, embeddings, null);
        }
    }
}
