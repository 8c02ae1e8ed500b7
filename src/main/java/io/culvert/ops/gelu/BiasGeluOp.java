package io.culvert.ops.gelu;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.ops.Cost;
import io.culvert.ops.Op;
import io.culvert.ops.OpKernel;
import io.culvert.ops.Tape;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.Tensor;
import java.util.List;

/**
 * {@code y = gelu(x + bias)}: the end of a linear layer without bias and the GELU after it in one pass. x, y:
 * {@code [..., D]}; bias: {@code [D]}.
 */
public final class BiasGeluOp extends Op {
    private final Tensor x;
    private final Tensor y;
    private final Parameter bias;
    private Tensor dy;
    private Tensor dx;

    private BiasGeluOp(String name, Tape tape, Tensor x, Parameter bias) {
        super(name);
        this.x = x;
        this.bias = bias;
        y = new Tensor(name + ".y", x.shape(), x.dtype());
        tape.record(this);
    }

    /** Records the operation and returns y. */
    public static Tensor record(Tape tape, String name, Tensor x, Parameter bias) {
        if (bias.value().shape().count() != x.shape().at(-1)) {
            throw new IllegalArgumentException(name + ": " + bias.value() + " does not fit " + x);
        }
        return new BiasGeluOp(name, tape, x, bias).y;
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
        dx = tape.gradientOrScratch(x);
    }

    @Override
    public List<Tensor> backwardUses() {
        return List.of(x, dy, dx);
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(bias);
    }

    @Override
    public Cost cost() {
        long n = x.shape().count();
        return new Cost(21 * n, 2 * x.bytes(), 32 * n, 3 * x.bytes());
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuBiasGelu(cpu, x, bias, y, dy, dx);
            case CudaDevice cuda -> new CudaBiasGelu(cuda.context(), x, bias, y, dy, dx);
        };
    }
}
