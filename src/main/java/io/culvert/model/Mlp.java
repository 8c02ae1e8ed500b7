package io.culvert.model;

import io.culvert.ops.Tape;
import io.culvert.ops.batchnorm.BatchNormOp;
import io.culvert.ops.batchnorm.BatchNormState;
import io.culvert.ops.linear.LinearOp;
import io.culvert.ops.relu.ReluOp;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Linear layers with biases and a ReLU between each two, before which the batch may be normalised: projection and
 * prediction heads. Parameters are numbered as PyTorch's {@code Sequential} counts modules.
 */
public final class Mlp {
    private final List<Layer> layers = new ArrayList<>();

    /** One linear layer; {@code norm} is null where nothing is normalised after it. */
    private record Layer(String name, Parameter weight, Parameter bias, BatchNormState norm) {}

    /**
     * Declares the parameters.
     *
     * @param normalised whether a batch normalisation stands before each ReLU
     * @param widths of the input, of each hidden layer, and of the output
     */
    public Mlp(ParameterStore store, String name, boolean normalised, int... widths) {
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

    public void initialise(Init init) {
        for (Layer layer : layers) {
            init.torchLinear(layer.weight, layer.bias);
            if (layer.norm != null) {
                init.batchNorm(layer.norm, 1f);
            }
        }
    }

    /**
     * Records the layers in training.
     *
     * @param views how many equal parts of the batch are normalised apart
     * @return {@code [N, out]} from {@code [N, in]}
     */
    public Tensor record(Tape tape, Tensor x, int views) {
        BatchNormOp.Config norm = BatchNormOp.Config.TORCH.withRelu(true).withGroups(views);
        Tensor h = x;
        for (int i = 0; i < layers.size(); i++) {
            Layer layer = layers.get(i);
            h = LinearOp.record(tape, layer.name, h, layer.weight, layer.bias);
            if (layer.norm != null) {
                h = BatchNormOp.record(tape, layer.name + ".norm", h, null, layer.norm, norm, true);
            } else if (i < layers.size() - 1) {
                h = ReluOp.record(tape, layer.name + ".relu", h);
            }
        }
        return h;
    }
}
