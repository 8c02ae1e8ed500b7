package io.culvert.ops.softmax;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.ops.Cost;
import io.culvert.ops.OpKernel;
import io.culvert.ops.Tape;
import io.culvert.ops.UnaryOp;
import io.culvert.tensor.Tensor;
import java.util.List;

/** {@code y = exp(x - max) / sum(exp(x - max))} over the last axis; x, y: {@code [..., D]}. */
public final class SoftmaxOp extends UnaryOp {
    private SoftmaxOp(String name, Tape tape, Tensor x) {
        super(name, tape, x, new Tensor(name + ".y", x.shape(), x.dtype()));
    }

    /** Records the operation and returns y. */
    public static Tensor record(Tape tape, String name, Tensor x) {
        return new SoftmaxOp(name, tape, x).y();
    }

    @Override
    public List<Tensor> backwardUses() {
        return List.of(y(), dy(), dx());
    }

    @Override
    public Cost cost() {
        long n = x().shape().count();
        return new Cost(4 * n, 2 * x().bytes(), 4 * n, 3 * x().bytes());
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuSoftmax(cpu, this);
            case CudaDevice cuda -> new CudaSoftmax(cuda.context(), this);
        };
    }
}
