package io.culvert.ops.detach;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.ops.Cost;
import io.culvert.ops.OpKernel;
import io.culvert.ops.Tape;
import io.culvert.ops.UnaryOp;
import io.culvert.tensor.DType;
import io.culvert.tensor.Tensor;
import java.util.List;

/**
 * The same values, {@code y = x}, behind which no gradient flows back: {@code dx = 0} and not even computed, as
 * {@code Tensor.detach} in PyTorch. F32, any shape.
 */
public final class DetachOp extends UnaryOp {
    private DetachOp(String name, Tape tape, Tensor x) {
        super(name, tape, x, new Tensor(name + ".y", x.shape(), x.dtype()));
    }

    /** Records the operation and returns y. */
    public static Tensor record(Tape tape, String name, Tensor x) {
        if (x.dtype() != DType.F32) {
            throw new IllegalArgumentException(name + ": takes F32, got " + x);
        }
        return new DetachOp(name, tape, x).y();
    }

    @Override
    public boolean passesGradient() {
        return false;
    }

    @Override
    public List<Tensor> backwardUses() {
        return List.of();
    }

    @Override
    public Cost cost() {
        return new Cost(0, 2 * x().bytes(), 0, 0);
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuDetach(this);
            case CudaDevice cuda -> new CudaDetach(cuda.context(), this);
        };
    }
}
