package io.culvert.ops.relu;

import io.culvert.device.CpuDevice;
import io.culvert.device.Device;
import io.culvert.ops.Cost;
import io.culvert.ops.Op;
import io.culvert.ops.OpKernel;
import io.culvert.ops.Tape;
import io.culvert.tensor.Tensor;
import java.util.List;

/**
 * The rectifier {@code y = max(0, x)}; its derivative at 0 is 0, as in PyTorch. x, y: any shape.
 */
public final class ReluOp extends Op {
    final Tensor x;
    final Tensor y;
    Tensor dy;
    Tensor dx;

    private ReluOp(String name, Tape tape, Tensor x) {
        super(name);
        this.x = x;
        y = new Tensor(name + ".y", x.shape(), x.dtype());
        tape.record(this);
    }

    /** Records the operation and returns y. */
    public static Tensor record(Tape tape, String name, Tensor x) {
        return new ReluOp(name, tape, x).y;
    }

    @Override
    public List<Tensor> inputs() {
        return List.of(x);
    }

    @Override
    public List<Tensor> outputs() {
        return List.of(y);
    }

    @Override
    public void connect(Tape tape) {
        dy = tape.gradient(y);
        dx = tape.newGradient(x);
    }

    @Override
    public List<Tensor> backwardUses() {
        return List.of(y, dy, dx);
    }

    @Override
    public boolean hasParameters() {
        return false;
    }

    @Override
    public Cost cost() {
        return new Cost(x.shape().count(), 2 * x.bytes(), x.shape().count(), 3 * x.bytes());
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuRelu(cpu, this);
        };
    }
}
