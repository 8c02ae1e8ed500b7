package io.culvert.ops.gelu;

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

/** GELU (Hendrycks and Gimpel 2016), the exact form: {@code y = x Phi(x)}, Phi the normal distribution; any shape. */
public final class GeluOp extends UnaryOp {
    private GeluOp(String name, Tape tape, Tensor x) {
        super(name, tape, x, new Tensor(name + ".y", x.shape(), x.dtype()));
    }

    /** Records the operation and returns y. */
    public static Tensor record(Tape tape, String name, Tensor x) {
        return new GeluOp(name, tape, x).y();
    }

    @Override
    public List<Tensor> backwardUses() {
        return List.of(x(), dy(), dx());
    }

    @Override
    public Cost cost() {
        long n = x().shape().count();
        return new Cost(20 * n, 2 * x().bytes(), 30 * n, 3 * x().bytes());
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuGelu(cpu, this);
            case CudaDevice cuda -> new CudaPointwise(cuda.context(), "gelu", this, x());
        };
    }
}
