package io.culvert.ops;

import io.culvert.tensor.Tensor;
import java.util.List;

/** An operation of backward alone, which the tape itself puts among the others. */
abstract class BackwardOp extends Op {
    BackwardOp(String name) {
        super(name);
    }

    @Override
    public final List<Tensor> inputs() {
        return List.of();
    }

    @Override
    public final List<Tensor> outputs() {
        return List.of();
    }

    @Override
    public final void connect(Tape tape) {
        throw new IllegalStateException(name() + " is of backward alone");
    }
}
