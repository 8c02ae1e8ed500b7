package io.culvert.ops.layernorm;

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
 * Layer normalisation over the last axis (Ba et al. 2016): {@code y = weight (x - mean) / sqrt(var + eps) + bias} with the
 * biased variance of the row. x, y: {@code [..., D]}; weight, bias: {@code [D]}.
 */
public final class LayerNormOp extends Op {
    final Tensor x;
    final Tensor y;
    final Tensor mean;
    final Tensor invStd;
    final Parameter weight;
    final Parameter bias;
    final double eps;
    Tensor dy;
    Tensor dx;
    /** A gradient of x from elsewhere, a residual connection's, which dx takes in; null for none. */
    Tensor other;

    private boolean renews;

    private LayerNormOp(String name, Tape tape, Tensor x, Parameter weight, Parameter bias, double eps) {
        super(name);
        this.x = x;
        this.weight = weight;
        this.bias = bias;
        this.eps = eps;
        y = new Tensor(name + ".y", x.shape(), x.dtype());
        mean = Tensor.f32(name + ".mean", x.shape().rows());
        invStd = Tensor.f32(name + ".invstd", x.shape().rows());
        tape.record(this);
    }

    /** Records the operation and returns y. */
    public static Tensor record(Tape tape, String name, Tensor x, Parameter weight, Parameter bias, double eps) {
        int width = x.shape().at(-1);
        if (weight.value().shape().count() != width || bias.value().shape().count() != width) {
            throw new IllegalArgumentException(name + ": weight and bias must have " + width + " elements");
        }
        return new LayerNormOp(name, tape, x, weight, bias, eps).y;
    }

    @Override
    public List<Tensor> inputs() {
        return List.of(x);
    }

    @Override
    public List<Tensor> outputs() {
        return List.of(y, mean, invStd);
    }

    @Override
    public void choose(Device device) {
        renews = device instanceof CpuDevice;
    }

    @Override
    public Tensor renewable() {
        return renews ? y : null;
    }

    @Override
    public void connect(Tape tape) {
        dy = tape.gradient(y);
        other = tape.takeGradient(x);
        dx = tape.gradientOrScratch(x);
    }

    @Override
    public List<Tensor> backwardUses() {
        return other == null ? List.of(x, mean, invStd, dy, dx) : List.of(x, mean, invStd, dy, other, dx);
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(weight, bias);
    }

    @Override
    public Cost cost() {
        long n = x.shape().count();
        return new Cost(8 * n, 2 * x.bytes(), 12 * n, (other == null ? 3 : 4) * x.bytes());
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuLayerNorm(cpu, this);
            case CudaDevice cuda -> new CudaLayerNorm(cuda.context(), this);
        };
    }
}
