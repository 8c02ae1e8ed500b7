package io.culvert.ops.tokens;

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

/** The first token of each sequence: x {@code [N, L, D]}, y {@code [N, D]}. */
public final class ClassTokenOp extends UnaryOp {
    private ClassTokenOp(String name, Tape tape, Tensor x) {
        super(name, tape, x, new Tensor(name + ".y", Shape.of(x.shape().at(0), x.shape().at(2)), x.dtype()));
    }

    /** Records the operation and returns y. */
    public static Tensor record(Tape tape, String name, Tensor x) {
        if (x.shape().rank() != 3) {
            throw new IllegalArgumentException(name + ": needs [N, L, D], got " + x);
        }
        return new ClassTokenOp(name, tape, x).y();
    }

    @Override
    public List<Tensor> backwardUses() {
        return List.of(dy(), dx());
    }

    @Override
    public Cost cost() {
        return new Cost(0, 2 * y().bytes(), 0, x().bytes() + y().bytes());
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuClassToken(this);
            case CudaDevice cuda -> new CudaClassToken(cuda.context(), this);
        };
    }
}
