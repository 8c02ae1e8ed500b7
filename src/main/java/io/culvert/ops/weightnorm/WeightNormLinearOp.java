package io.culvert.ops.weightnorm;

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
import java.util.stream.Stream;

/**
 * A linear layer without bias whose weight has length and direction apart (Salimans & Kingma 2016, equation 2), row by row
 * as PyTorch's {@code weight_norm}:
 *
 * <pre>w = g v / |v|,  y = x w^T;
 * dg += dw . v / |v|,  dv += g / |v| (dw - v (dw . v) / |v|^2)     (equation 3)</pre>
 *
 * <p>x: {@code [..., in]}; v: {@code [out, in]}; g: {@code [out, 1]} or as many; y: {@code [..., out]}. w is made anew in
 * each forward pass and kept for backward; dw is single precision. A row of zeros has no direction: it gives NaN.
 */
public final class WeightNormLinearOp extends Op {
    final Tensor x;
    final Tensor y;
    final Tensor weight;
    final Tensor length;
    final Tensor dlength;
    final Parameter direction;
    private final List<Parameter> trained;
    Tensor dy;
    Tensor dx;
    Tensor dweight;

    private WeightNormLinearOp(
            String name, Tape tape, Tensor x, Parameter direction, Tensor length, List<Parameter> lengths) {
        super(name);
        this.x = x;
        this.direction = direction;
        this.length = length;
        dlength = lengths.isEmpty() ? null : lengths.getFirst().gradient();
        trained = Stream.concat(Stream.of(direction), lengths.stream()).toList();
        int[] extents = x.shape().toArray();
        extents[extents.length - 1] = direction.value().shape().at(0);
        y = new Tensor(name + ".y", Shape.of(extents), x.dtype());
        weight = new Tensor(name + ".weight", direction.value().shape(), x.dtype());
        tape.record(this);
    }

    /**
     * Records the operation with lengths that are trained, and returns y.
     *
     * @param direction v
     * @param length g
     */
    public static Tensor record(Tape tape, String name, Tensor x, Parameter direction, Parameter length) {
        return record(tape, name, x, direction, length.value(), List.of(length));
    }

    /** As {@link #record(Tape, String, Tensor, Parameter, Parameter)}, with lengths that stay as they are. */
    public static Tensor record(Tape tape, String name, Tensor x, Parameter direction, Tensor length) {
        return record(tape, name, x, direction, length, List.of());
    }

    private static Tensor record(
            Tape tape, String name, Tensor x, Parameter direction, Tensor length, List<Parameter> lengths) {
        Shape shape = direction.value().shape();
        if (shape.rank() != 2 || x.shape().at(-1) != shape.at(1) || length.shape().count() != shape.at(0)) {
            throw new IllegalArgumentException(name + ": " + x + " does not fit " + direction.value() + " and " + length);
        }
        return new WeightNormLinearOp(name, tape, x, direction, length, lengths).y;
    }

    int rows() {
        return direction.value().shape().at(0);
    }

    int width() {
        return direction.value().shape().at(1);
    }

    @Override
    public List<Tensor> inputs() {
        return List.of(x);
    }

    @Override
    public List<Tensor> outputs() {
        return List.of(y, weight);
    }

    @Override
    public void connect(Tape tape) {
        dy = tape.gradient(y);
        dx = tape.newGradient(x);
        dweight = new Tensor("grad/" + weight.name(), weight.shape(), direction.gradient().dtype());
    }

    @Override
    public List<Tensor> backwardUses() {
        return dx == null ? List.of(x, weight, dy, dweight) : List.of(x, weight, dy, dweight, dx);
    }

    @Override
    public List<Parameter> parameters() {
        return trained;
    }

    /** The product's, and two looks at v. */
    @Override
    public Cost cost() {
        long v = direction.value().shape().count();
        long flops = 2 * x.shape().count() * rows();
        long bytes = x.bytes() + y.bytes() + 2 * direction.value().bytes() + 2 * weight.bytes();
        int products = dx == null ? 1 : 2;
        return new Cost(flops + 4 * v, bytes, products * flops + 8 * v, products * bytes + 3 * direction.value().bytes());
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuWeightNormLinear(cpu, this);
            case CudaDevice cuda -> new CudaWeightNormLinear(cuda.context(), this);
        };
    }
}
