package io.culvert.ops;

import io.culvert.tensor.DType;
import io.culvert.tensor.Tensor;
import java.util.List;

/** An operation that ends in a scalar; a subclass adds its inputs, its cost and its kernels. It has no parameters. */
public abstract class LossOp extends Op implements Loss {
    private final Tensor loss;

    protected LossOp(String name, Tape tape) {
        super(name);
        loss = tape.keep(Tensor.f32(name + ".loss", 1));
    }

    @Override
    public final Tensor loss() {
        return loss;
    }

    /** Losses compute in single precision whatever the network does: throws unless all are F32. */
    protected static void requireF32(String name, Tensor... tensors) {
        for (Tensor tensor : List.of(tensors)) {
            if (tensor.dtype() != DType.F32) {
                throw new IllegalArgumentException(name + ": takes F32, got " + tensor);
            }
        }
    }
}
