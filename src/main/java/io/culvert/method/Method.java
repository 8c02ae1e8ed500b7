package io.culvert.method;

import io.culvert.device.RunArena;
import io.culvert.model.Init;
import io.culvert.ops.Tape;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A way to train an encoder: how many views of an image it looks at, and the loss that it records on a tape. */
public interface Method {
    /** Its name in configurations. */
    String name();

    /** Views that the loader draws of each image, of those of full size. */
    int views();

    /** Smaller views that the loader draws of each image beside these. */
    default int localViews() {
        return 0;
    }

    /** Sets the initial values of whatever the method adds to the encoder, after the encoder's own. */
    void initialise(Init init);

    /** Takes the memory that the method keeps for the whole run; the encoder and the method's parameters have theirs. */
    default void allocate(RunArena arena) {
        teacher().ifPresent(teacher -> teacher.allocate(arena));
    }

    /**
     * Sets what differs from step to step beside the images, such as masks and temperatures. Called before each step; it
     * depends on nothing but the step, so that a run resumed there does the same.
     *
     * @param step counted from 0
     */
    default void prepare(int step) {}

    /**
     * As {@link #prepare(int)}, before each of the passes of a step that accumulates gradients over several.
     *
     * @param pass of the step, counted from 0
     */
    default void prepare(int step, int pass) {
        if (pass == 0) {
            prepare(step);
        }
    }

    /** Parameters that {@code optim.freeze_last_layer_epochs} keeps as they are at first. */
    default List<Parameter> lastLayer() {
        return List.of();
    }

    /** Whether the loss of an image depends on the other images of its batch, so that many small batches are not a large one. */
    default boolean comparesImages() {
        return false;
    }

    /**
     * The loss of a network that gives the same for every image, which a run that learns moves away from; NaN if it is not
     * known.
     *
     * @param batch images a step
     */
    default double trivialLoss(int batch) {
        return Double.NaN;
    }

    /** The averaged copy of the network, if the method has one. */
    default Optional<Teacher> teacher() {
        return Optional.empty();
    }

    /**
     * Records one training step from pixels to loss.
     *
     * @param pixels {@code [views * B, H, W, 3]}, all first views before all second ones; if there are local views then
     *     those in a second tensor, {@code [localViews * B, h, w, 3]}
     */
    Recorded record(Tape tape, List<Tensor> pixels);

    /**
     * As the other, for a method whose loss looks at pixels.
     *
     * @param exact the pixels in single precision, whatever the network computes in; {@code pixels} itself if that is the same
     */
    default Recorded record(Tape tape, List<Tensor> pixels, List<Tensor> exact) {
        return record(tape, pixels);
    }

    /** Whether a step moves the weights; if not, it computes its loss and leaves them as they are, without weight decay. */
    default boolean learns() {
        return true;
    }

    /**
     * What was recorded.
     *
     * @param loss {@code [1]}
     * @param features what the diagnosis reads, {@code [views * B, D]}
     * @param embeddings what the diagnosis reads, {@code [views * B, ...]}
     * @param labels {@code [B]} floats to be filled before each step, 1 for a defect; null if the method needs none
     * @param inputs what {@link #prepare} fills, {@code [B, ...]} each; whoever records gives it memory
     * @param scalars {@code [1]} each, what the method reports of a step beside its loss, by name
     */
    record Recorded(
            Tensor loss,
            Tensor features,
            Tensor embeddings,
            Tensor labels,
            List<Tensor> inputs,
            Map<String, Tensor> scalars) {
        /** Without labels, inputs and scalars. */
        public Recorded(Tensor loss, Tensor features, Tensor embeddings) {
            this(loss, features, embeddings, null, List.of(), Map.of());
        }

        /** With labels. */
        public Recorded withLabels(Tensor newLabels) {
            return new Recorded(loss, features, embeddings, newLabels, inputs, scalars);
        }

        /** With inputs. */
        public Recorded withInputs(Tensor... newInputs) {
            return new Recorded(loss, features, embeddings, labels, List.of(newInputs), scalars);
        }

        /** With scalars. */
        public Recorded withScalars(Map<String, Tensor> newScalars) {
            return new Recorded(loss, features, embeddings, labels, inputs, newScalars);
        }
    }
}
