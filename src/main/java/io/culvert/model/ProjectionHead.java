package io.culvert.model;

import io.culvert.ops.Tape;
import io.culvert.ops.linear.LinearOp;
import io.culvert.ops.relu.ReluOp;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;

/** SimCLR's projection head: linear, ReLU, linear, with biases and without batch normalisation. */
public final class ProjectionHead {
    private final Parameter hiddenWeight;
    private final Parameter hiddenBias;
    private final Parameter outWeight;
    private final Parameter outBias;

    public ProjectionHead(ParameterStore store, int features, int hidden, int out) {
        hiddenWeight = store.parameter("projector.0.weight", hidden, features);
        hiddenBias = store.parameter("projector.0.bias", hidden);
        outWeight = store.parameter("projector.2.weight", out, hidden);
        outBias = store.parameter("projector.2.bias", out);
    }

    public void initialise(Init init) {
        init.torchLinear(hiddenWeight, hiddenBias);
        init.torchLinear(outWeight, outBias);
    }

    /** Features {@code [N, features]} to embeddings {@code [N, out]}. */
    public Tensor record(Tape tape, Tensor features) {
        Tensor h = LinearOp.record(tape, "projector.0", features, hiddenWeight, hiddenBias);
        h = ReluOp.record(tape, "projector.1", h);
        return LinearOp.record(tape, "projector.2", h, outWeight, outBias);
    }
}
