package io.culvert.ops.pool;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.ops.Cost;
import io.culvert.ops.OpKernel;
import io.culvert.ops.Tape;
import io.culvert.ops.UnaryOp;
import io.culvert.tensor.Shape;
import io.culvert.tensor.Tensor;
import java.util.List;

/**
 * The mean over height and width: x {@code [N, H, W, C]} to y {@code [N, C]}.
 */
public final class GlobalAvgPoolOp extends UnaryOp {
    private boolean byCudnn;

    private GlobalAvgPoolOp(String name, Tape tape, Tensor x) {
        super(name, tape, x, new Tensor(name + ".y", Shape.of(x.shape().at(0), x.shape().at(3)), x.dtype()));
    }

    /** Records the operation and returns y. */
    public static Tensor record(Tape tape, String name, Tensor x) {
        return new GlobalAvgPoolOp(name, tape, x).y();
    }

    @Override
    public void choose(Device device) {
        byCudnn = device instanceof CudaDevice;
    }

    /** cuDNN is shown x and y, although the gradient of a mean needs neither. */
    @Override
    public List<Tensor> backwardUses() {
        return byCudnn ? List.of(x(), y(), dy(), dx()) : List.of(dy(), dx());
    }

    @Override
    public Cost cost() {
        return new Cost(x().shape().count(), x().bytes() + y().bytes(), x().shape().count(), x().bytes() + y().bytes());
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuGlobalAvgPool(cpu, this);
            case CudaDevice cuda -> new CudaGlobalAvgPool(cuda.context(), this);
        };
    }
}
