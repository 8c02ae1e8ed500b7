package io.culvert.ops.cast;

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

/** The same values as another floating-point type, to the nearest, ties to even; the gradient is cast back. Any shape. */
public final class CastOp extends UnaryOp {
    private CastOp(String name, Tape tape, Tensor x, DType dtype) {
        super(name, tape, x, new Tensor(name + ".y", x.shape(), dtype));
    }

    /** Records the operation and returns y; x itself where it has that type. */
    public static Tensor record(Tape tape, String name, Tensor x, DType dtype) {
        return x.dtype() == dtype ? x : new CastOp(name, tape, x, dtype).y();
    }

    @Override
    public List<Tensor> backwardUses() {
        return dx() == null ? List.of(dy()) : List.of(dy(), dx());
    }

    @Override
    public Cost cost() {
        return new Cost(0, x().bytes() + y().bytes(), 0, dx() == null ? 0 : x().bytes() + y().bytes());
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> throw new IllegalStateException(cpu.describe() + " computes in single precision only");
            case CudaDevice cuda -> new CudaCast(cuda.context(), this);
        };
    }
}
