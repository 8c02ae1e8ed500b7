package io.culvert.model;

import io.culvert.ops.Tape;
import io.culvert.ops.batchnorm.BatchNormOp;
import io.culvert.ops.batchnorm.BatchNormState;
import io.culvert.ops.gelu.BiasGeluOp;
import io.culvert.ops.gelu.GeluOp;
import io.culvert.ops.linear.LinearOp;
import io.culvert.ops.relu.ReluOp;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Linear layers with biases and a ReLU or GELU between each two, before which the batch may be normalised: projection and
 * prediction heads. Parameters are numbered as PyTorch's {@code Sequential} counts modules.
 */
public final class Mlp implements Head {
    /** What stands between two layers. */
    public enum Activation {
        RELU,
        GELU
    }

    private final Activation activation;
    private final List<Layer> layers = new ArrayList<>();

    /** One linear layer; {@code norm} is null where nothing is normalised after it. */
    private record Layer(String name, Parameter weight, Parameter bias, BatchNormState norm) {}

    /**
     * Declares the parameters of layers with ReLUs between them.
     *
     * @param normalised whether a batch normalisation stands before each ReLU
     * @param widths of the input, of each hidden layer, and of the output
     */
    public Mlp(ParameterStore store, String name, boolean normalised, int... widths) {
        this(store, name, Activation.RELU, normalised, widths);
    }

    /** As the other, with another activation. */
    public Mlp(ParameterStore store, String name, Activation activation, boolean normalised, int... widths) {
        this.activation = activation;
        int module = 0;
        for (int i = 1; i < widths.length; i++) {
            boolean last = i == widths.length - 1;
            String linear = name + "." + module;
            Parameter weight = store.parameter(linear + ".weight", widths[i], widths[i - 1]);
            Parameter bias = store.parameter(linear + ".bias", widths[i]);
            BatchNormState norm = normalised && !last
                    ? BatchNormState.declare(store, name + "." + (module + 1), widths[i])
                    : null;
            layers.add(new Layer(linear, weight, bias, norm));
            module += normalised ? 3 : 2;
        }
    }

    /** As PyTorch's linear layers start. */
    @Override
    public void initialise(Init init) {
        for (Layer layer : layers) {
            init.torchLinear(layer.weight, layer.bias);
            normalise(init, layer);
        }
    }

    /** Weights normal with this standard deviation, biases 0. */
    public void initialise(Init init, double std) {
        for (Layer layer : layers) {
            init.normal(layer.weight, std);
            init.constant(layer.bias, 0f);
            normalise(init, layer);
        }
    }

    private static void normalise(Init init, Layer layer) {
        if (layer.norm != null) {
            init.batchNorm(layer.norm, 1f);
        }
    }

    @Override
    public Tensor record(Tape tape, Tensor x, int views) {
        boolean relu = activation == Activation.RELU;
        BatchNormOp.Config norm = BatchNormOp.Config.TORCH.withRelu(relu).withGroups(views);
        Tensor h = x;
        for (int i = 0; i < layers.size(); i++) {
            Layer layer = layers.get(i);
            boolean active = i < layers.size() - 1;
            // A GELU that follows at once adds the bias itself.
            boolean biased = relu || layer.norm != null || !active;
            h = LinearOp.record(tape, layer.name, h, layer.weight, biased ? layer.bias : null);
            if (layer.norm != null) {
                h = BatchNormOp.record(tape, layer.name + ".norm", h, null, layer.norm, norm, true);
            }
            if (active) {
                h = activate(tape, layer, h);
            }
        }
        return h;
    }

    private Tensor activate(Tape tape, Layer layer, Tensor h) {
        return switch (activation) {
            case RELU -> layer.norm == null ? ReluOp.record(tape, layer.name + ".relu", h) : h;
            case GELU -> layer.norm == null
                    ? BiasGeluOp.record(tape, layer.name + ".gelu", h, layer.bias)
                    : GeluOp.record(tape, layer.name + ".gelu", h);
        };
    }
}
