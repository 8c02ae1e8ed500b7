package io.culvert.ops.linear;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.ops.Cost;
import io.culvert.ops.Op;
import io.culvert.ops.OpKernel;
import io.culvert.ops.Tape;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.Shape;
import io.culvert.tensor.Tensor;
import java.util.List;

/**
 * {@code y = x weight^T + bias} over the last axis: x {@code [..., in]}, weight {@code [out, in]}, bias {@code [out]}
 * or absent, y {@code [..., out]}. A weight of more axes is taken as a matrix of {@code out} rows as it is stored.
 */
public final class LinearOp extends Op {
    final Tensor x;
    final Tensor y;
    final Parameter weight;
    final Parameter bias;
    /** Null for none. */
    final Tensor residual;

    Tensor dy;
    Tensor dx;

    private LinearOp(String name, Tape tape, Tensor x, Parameter weight, Parameter bias, Tensor residual) {
        super(name);
        this.x = x;
        this.weight = weight;
        this.bias = bias;
        this.residual = residual;
        int[] extents = x.shape().toArray();
        extents[extents.length - 1] = weight.value().shape().at(0);
        y = new Tensor(name + ".y", Shape.of(extents), x.dtype());
        if (residual != null && (!residual.shape().equals(y.shape()) || residual.dtype() != y.dtype())) {
            throw new IllegalArgumentException(name + ": " + residual + " is not like " + y);
        }
        tape.record(this);
    }

    /**
     * Records the operation and returns y.
     *
     * @param bias may be null
     */
    public static Tensor record(Tape tape, String name, Tensor x, Parameter weight, Parameter bias) {
        return record(tape, name, x, weight, bias, null);
    }

    /**
     * As the other, with a residual connection: {@code y = residual + x W^T + b}. The gradient of y is that of the residual too:
     * nothing is copied.
     *
     * @param residual of y's shape
     */
    public static Tensor record(Tape tape, String name, Tensor x, Parameter weight, Parameter bias, Tensor residual) {
        if (x.shape().at(-1) != weight.value().shape().count() / weight.value().shape().at(0)) {
            throw new IllegalArgumentException(name + ": " + x + " does not fit " + weight.value());
        }
        return new LinearOp(name, tape, x, weight, bias, residual).y;
    }

    @Override
    public List<Tensor> inputs() {
        return residual == null ? List.of(x) : List.of(x, residual);
    }

    @Override
    public List<Tensor> outputs() {
        return List.of(y);
    }

    @Override
    public void connect(Tape tape) {
        dy = tape.gradient(y);
        dx = tape.newGradient(x);
        if (residual != null) {
            tape.shareGradient(residual, dy);
        }
    }

    @Override
    public List<Tensor> backwardUses() {
        return dx == null ? List.of(x, dy) : List.of(x, dy, dx);
    }

    @Override
    public List<Parameter> parameters() {
        return bias == null ? List.of(weight) : List.of(weight, bias);
    }

    @Override
    public Cost cost() {
        long flops = 2 * x.shape().count() * weight.value().shape().at(0);
        long bytes = x.bytes() + y.bytes() + weight.value().bytes();
        long summed = residual == null ? 0 : y.bytes();
        return new Cost(flops, bytes + summed, dx == null ? flops : 2 * flops, dx == null ? bytes : 2 * bytes);
    }

    @Override
    protected OpKernel bind(Device device) {
        LinearWeight matrix = LinearWeight.of(weight, x.dtype());
        return switch (device) {
            case CpuDevice cpu -> new CpuLinear(cpu, x, matrix, bias, residual, y, dy, dx);
            case CudaDevice cuda -> new CudaLinear(cuda.context(), x, matrix, bias, residual, y, dy, dx);
        };
    }
}
