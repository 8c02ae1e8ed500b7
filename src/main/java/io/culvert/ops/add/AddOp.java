package io.culvert.ops.add;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.ops.Cost;
import io.culvert.ops.Op;
import io.culvert.ops.OpKernel;
import io.culvert.ops.Tape;
import io.culvert.tensor.Tensor;
import java.util.List;

/** {@code y = a + b}, a residual connection: a, b, y of one shape. The gradient of y is that of a and of b: nothing is copied. */
public final class AddOp extends Op {
    final Tensor a;
    final Tensor b;
    final Tensor y;

    private AddOp(String name, Tape tape, Tensor a, Tensor b) {
        super(name);
        this.a = a;
        this.b = b;
        y = new Tensor(name + ".y", a.shape(), a.dtype());
        tape.record(this);
    }

    /** Records the operation and returns y. */
    public static Tensor record(Tape tape, String name, Tensor a, Tensor b) {
        if (!a.shape().equals(b.shape())) {
            throw new IllegalArgumentException(name + ": " + a + " and " + b + " have different shapes");
        }
        return new AddOp(name, tape, a, b).y;
    }

    @Override
    public List<Tensor> inputs() {
        return List.of(a, b);
    }

    @Override
    public List<Tensor> outputs() {
        return List.of(y);
    }

    @Override
    public void connect(Tape tape) {
        Tensor dy = tape.gradient(y);
        tape.shareGradient(a, dy);
        tape.shareGradient(b, dy);
    }

    @Override
    public List<Tensor> backwardUses() {
        return List.of();
    }

    @Override
    public Cost cost() {
        return new Cost(y.shape().count(), 3 * y.bytes(), 0, 0);
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuAdd(cpu, this);
            case CudaDevice cuda -> new CudaAdd(cuda.context(), this);
        };
    }
}
