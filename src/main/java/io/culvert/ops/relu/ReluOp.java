package io.culvert.ops.relu;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.ops.Cost;
import io.culvert.ops.CudaPointwise;
import io.culvert.ops.OpKernel;
import io.culvert.ops.Tape;
import io.culvert.ops.UnaryOp;
import io.culvert.tensor.Tensor;
import java.util.List;

/**
 * The rectifier {@code y = max(0, x)}; its derivative at 0 is 0, as in PyTorch. x, y: any shape.
 */
public final class ReluOp extends UnaryOp {
    private ReluOp(String name, Tape tape, Tensor x) {
        super(name, tape, x, new Tensor(name + ".y", x.shape(), x.dtype()));
    }

    /** Records the operation and returns y. */
    public static Tensor record(Tape tape, String name, Tensor x) {
        return new ReluOp(name, tape, x).y();
    }

    @Override
    public List<Tensor> backwardUses() {
        return List.of(y(), dy(), dx());
    }

    @Override
    public Cost cost() {
        return new Cost(x().shape().count(), 2 * x().bytes(), x().shape().count(), 3 * x().bytes());
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuRelu(cpu, this);
            case CudaDevice cuda -> new CudaPointwise(cuda.context(), "relu", this, y());
        };
    }
}
