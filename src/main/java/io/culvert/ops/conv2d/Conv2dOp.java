package io.culvert.ops.conv2d;

import io.culvert.device.ConvGeometry;
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
 * Two-dimensional cross-correlation without bias, square kernel, equal stride and padding on both axes, as PyTorch's
 * {@code conv2d}: x {@code [N, H, W, I]}, weight {@code [O, I, k, k]}, y {@code [N, OH, OW, O]}.
 */
public final class Conv2dOp extends Op {
    final Tensor x;
    final Tensor y;
    final Parameter weight;
    final ConvGeometry geometry;
    Tensor dy;
    Tensor dx;

    private Conv2dOp(String name, Tape tape, Tensor x, Parameter weight, ConvGeometry geometry) {
        super(name);
        this.x = x;
        this.weight = weight;
        this.geometry = geometry;
        Shape out = Shape.of(geometry.n(), geometry.outHeight(), geometry.outWidth(), geometry.out());
        y = new Tensor(name + ".y", out, x.dtype());
        tape.record(this);
    }

    /** Records the operation and returns y. */
    public static Tensor record(Tape tape, String name, Tensor x, Parameter weight, int stride, int padding) {
        int[] w = weight.torchShape();
        Shape in = x.shape();
        if (in.rank() != 4 || w.length != 4 || in.at(3) != w[1] || w[2] != w[3]) {
            throw new IllegalArgumentException(name + ": " + x + " does not fit " + weight.value());
        }
        ConvGeometry geometry =
                new ConvGeometry(in.at(0), in.at(1), in.at(2), in.at(3), w[0], w[2], stride, padding);
        if (geometry.outHeight() < 1 || geometry.outWidth() < 1) {
            throw new IllegalArgumentException(name + ": the kernel of " + weight.value() + " exceeds " + x);
        }
        return new Conv2dOp(name, tape, x, weight, geometry).y;
    }

    @Override
    public List<Tensor> inputs() {
        return List.of(x);
    }

    @Override
    public List<Tensor> outputs() {
        return List.of(y);
    }

    /** The gradient with respect to an image is never needed and never computed. */
    @Override
    public void connect(Tape tape) {
        dy = tape.gradient(y);
        dx = tape.newGradient(x);
    }

    @Override
    public List<Tensor> backwardUses() {
        return dx == null ? List.of(x, dy) : List.of(x, dy, dx);
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(weight);
    }

    @Override
    public Cost cost() {
        long bytes = x.bytes() + y.bytes() + weight.value().bytes();
        int halves = dx == null ? 1 : 2;
        return new Cost(geometry.flops(), bytes, halves * geometry.flops(), halves * bytes);
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuConv2d(cpu, this);
            case CudaDevice cuda -> new CudaConv2d(cuda.context(), this);
        };
    }
}
