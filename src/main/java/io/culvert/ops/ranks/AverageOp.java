package io.culvert.ops.ranks;

import io.culvert.device.Device;
import io.culvert.device.Group;
import io.culvert.ops.Cost;
import io.culvert.ops.Op;
import io.culvert.ops.OpKernel;
import io.culvert.ops.Tape;
import io.culvert.tensor.Tensor;
import java.util.List;

/**
 * Puts the mean over all ranks in the place of a tensor of single precision that no gradient reaches: a loss that is a mean
 * over images, for every rank to see the whole batch's. Gradients stay each rank's own; their mean is the whole batch's.
 */
public final class AverageOp extends Op {
    private final Tensor x;

    private AverageOp(String name, Tape tape, Tensor x) {
        super(name);
        this.x = x;
        tape.record(this);
    }

    /** Records the operation, unless there is one rank. */
    public static void record(Tape tape, String name, Tensor x) {
        if (tape.ranks() > 1) {
            new AverageOp(name, tape, x);
        }
    }

    @Override
    public List<Tensor> inputs() {
        return List.of(x);
    }

    @Override
    public List<Tensor> outputs() {
        return List.of();
    }

    @Override
    public void connect(Tape tape) {
        throw new IllegalStateException(name() + " has no gradient");
    }

    @Override
    public List<Tensor> backwardUses() {
        return List.of();
    }

    @Override
    public Cost cost() {
        return new Cost(x.shape().count(), 2 * x.bytes(), 0, 0);
    }

    @Override
    protected OpKernel bind(Device device) {
        Group group = device.group();
        return new OpKernel() {
            @Override
            public void forward() {
                x.average(group);
            }

            @Override
            public void backward() {}
        };
    }
}
