package io.culvert.model;

import io.culvert.ops.Tape;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** An encoder of images. Its parameters carry timm's names. */
public interface Backbone {
    /** timm's name of the model. */
    String name();

    /** Width of the features. */
    int features();

    ParameterStore store();

    /** The encoder's own parameters, without those that a method adds to the store. */
    List<Parameter> parameters();

    /** The encoder's own running statistics and fixed values, by name. */
    Map<String, Tensor> buffers();

    /** The positions, if the encoder has any: what a checkpoint of another image size must be resampled to. */
    default Optional<Positions> positions() {
        return Optional.empty();
    }

    /** Sets every parameter and buffer to its initial value. */
    void initialise(Init init);

    /**
     * Records the encoder.
     *
     * @param pixels normalised images {@code [N, H, W, 3]}
     * @param training whether batch normalisation uses and moves batch statistics
     * @param views how many equal parts of the batch are normalised apart, as if encoded one after the other
     * @return pooled features {@code [N, features]}
     */
    Tensor record(Tape tape, Tensor pixels, boolean training, int views);
}
