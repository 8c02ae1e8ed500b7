package io.culvert.ops.pool;

import io.culvert.device.CpuDevice;
import io.culvert.device.Device;
import io.culvert.ops.Cost;
import io.culvert.ops.Op;
import io.culvert.ops.OpKernel;
import io.culvert.ops.Tape;
import io.culvert.tensor.Tensor;
import java.util.List;

/**
 * The mean over height and width: x {@code [N, H, W, C]} to y {@code [N, C]}.
 */
public final class GlobalAvgPoolOp extends Op {
    final Tensor x;
    final Tensor y;
    Tensor dy;
    Tensor dx;

    private GlobalAvgPoolOp(String name, Tape tape, Tensor x) {
        super(name);
        this.x = x;
        y = Tensor.f32(name + ".y", x.shape().at(0), x.shape().at(3));
        tape.record(this);
    }

    /** Records the operation and returns y. */
    public static Tensor record(Tape tape, String name, Tensor x) {
        return new GlobalAvgPoolOp(name, tape, x).y;
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
        return List.of(dy, dx);
    }

    @Override
    public boolean hasParameters() {
        return false;
    }

    @Override
    public Cost cost() {
        return new Cost(x.shape().count(), x.bytes() + y.bytes(), x.shape().count(), x.bytes() + y.bytes());
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuGlobalAvgPool(cpu, this);
        };
    }
}
