package io.culvert.model;

import io.culvert.ops.Tape;
import io.culvert.ops.l2normalize.L2NormalizeOp;
import io.culvert.ops.weightnorm.WeightNormLinearOp;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import java.util.Arrays;
import java.util.List;

/**
 * The head of DINO (Caron et al. 2021, section 3.1 and appendix C): three linear layers, rows of unit length, and a layer of
 * prototypes with weight normalisation and without bias. Names and initial values are those of DINO's code.
 */
public final class DinoHead implements Head {
    private static final double STD = 0.02;

    /**
     * @param hidden width of the two hidden layers
     * @param dim width before the prototypes
     * @param prototypes width of the result
     * @param activation between the linear layers
     * @param normalised whether the batch is normalised before each activation
     * @param fixedLengths whether every prototype's weight has length 1 for good
     */
    public record Config(
            int hidden, int dim, int prototypes, Mlp.Activation activation, boolean normalised, boolean fixedLengths) {}

    private final String name;
    private final Mlp mlp;
    private final Parameter direction;
    /** One of the two is null. */
    private final Parameter trainedLength;

    private final Tensor fixedLength;

    /** Declares the parameters for features of so many elements. */
    public DinoHead(ParameterStore store, String name, int features, Config config) {
        this.name = name;
        mlp = new Mlp(
                store, name + ".mlp", config.activation, config.normalised, features, config.hidden, config.hidden,
                config.dim);
        String length = name + ".last_layer.weight_g";
        fixedLength = config.fixedLengths ? store.buffer(length, config.prototypes, 1) : null;
        trainedLength = config.fixedLengths ? null : store.parameter(length, config.prototypes, 1);
        direction = store.parameter(name + ".last_layer.weight_v", config.prototypes, config.dim);
    }

    /** What is trained of the layer of prototypes. */
    public List<Parameter> lastLayer() {
        return trainedLength == null ? List.of(direction) : List.of(trainedLength, direction);
    }

    @Override
    public void initialise(Init init) {
        mlp.initialise(init, STD);
        init.torchLinear(direction, null);
        if (trainedLength != null) {
            init.constant(trainedLength, 1f);
        } else {
            float[] ones = new float[Math.toIntExact(fixedLength.shape().count())];
            Arrays.fill(ones, 1f);
            fixedLength.set(ones);
        }
    }

    /** The rows of unit length, {@code [N, dim]}. */
    public Tensor embed(Tape tape, Tensor x, int views) {
        return L2NormalizeOp.record(tape, name + ".unit", mlp.record(tape, x, views));
    }

    /** {@code [N, prototypes]} from {@link #embed}. */
    public Tensor classify(Tape tape, Tensor embeddings) {
        String layer = name + ".last_layer";
        return trainedLength == null
                ? WeightNormLinearOp.record(tape, layer, embeddings, direction, fixedLength)
                : WeightNormLinearOp.record(tape, layer, embeddings, direction, trainedLength);
    }

    @Override
    public Tensor record(Tape tape, Tensor x, int views) {
        return classify(tape, embed(tape, x, views));
    }
}
