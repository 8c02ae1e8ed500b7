package io.culvert.ops.l2normalize;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.ops.Cost;
import io.culvert.ops.OpKernel;
import io.culvert.ops.Tape;
import io.culvert.ops.UnaryOp;
import io.culvert.tensor.Tensor;
import java.util.List;

/**
 * Rows scaled to unit length, {@code y = x / max(||x||, 1e-12)}, over the last axis; x, y: {@code [..., D]}.
 */
public final class L2NormalizeOp extends UnaryOp {
    private L2NormalizeOp(String name, Tape tape, Tensor x) {
        super(name, tape, x, new Tensor(name + ".y", x.shape(), x.dtype()));
    }

    /** Records the operation and returns y. */
    public static Tensor record(Tape tape, String name, Tensor x) {
        return new L2NormalizeOp(name, tape, x).y();
    }

    @Override
    public List<Tensor> backwardUses() {
        return List.of(x(), y(), dy(), dx());
    }

    @Override
    public Cost cost() {
        return new Cost(3 * x().shape().count(), 2 * x().bytes(), 5 * x().shape().count(), 4 * x().bytes());
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuL2Normalize(cpu, this);
            case CudaDevice cuda -> new CudaL2Normalize(cuda.context(), this);
        };
    }
}
