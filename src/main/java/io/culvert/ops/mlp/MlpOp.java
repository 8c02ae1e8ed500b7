package io.culvert.ops.mlp;

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
 * The block between two residual connections of a transformer (Vaswani et al. 2017, section 3.3, with GELU for ReLU):
 * {@code y = gelu(x W1^T + b1) W2^T + b2} over the last axis. x {@code [..., in]}, W1 {@code [hidden, in]}, W2
 * {@code [out, hidden]}, y {@code [..., out]}. One op, because a library's product takes the GELU along: forward that of the
 * layer before, backward that of the layer behind.
 *
 * <p>Saved: {@code h}, the GELU's values, and {@code a}, what it is taken of: with b1 where the product took the GELU along,
 * without b1 where a kernel of its own adds it.
 */
public final class MlpOp extends Op {
    final Tensor x;
    final Layer first;
    final Layer second;
    /** h itself on a tape that only infers: the GELU is taken in place. */
    final Tensor a;

    final Tensor h;
    final Tensor y;
    Tensor dy;
    /** Of a; of h before the GELU's backward pass, where that is a kernel of its own. */
    Tensor da;

    Tensor dx;

    /** A linear layer: weight {@code [out, in]}, bias {@code [out]}. */
    public record Layer(Parameter weight, Parameter bias) {
        /** Of its output. */
        public int width() {
            return weight.value().shape().at(0);
        }

        /** Whether it takes rows of that many elements, and its bias fits its weight. */
        public boolean fits(int in) {
            return weight.value().shape().at(1) == in && bias.value().shape().count() == width();
        }
    }

    private MlpOp(String name, Tape tape, Tensor x, Layer first, Layer second) {
        super(name);
        this.x = x;
        this.first = first;
        this.second = second;
        h = like(x, name + ".h", first.width());
        a = tape.training() ? like(x, name + ".a", first.width()) : h;
        y = like(x, name + ".y", second.width());
        if (!first.fits(x.shape().at(-1)) || !second.fits(first.width())) {
            throw new IllegalArgumentException(name + ": " + first + " and " + second + " do not fit " + x);
        }
        tape.record(this);
    }

    private static Tensor like(Tensor x, String name, int width) {
        int[] extents = x.shape().toArray();
        extents[extents.length - 1] = width;
        return new Tensor(name, Shape.of(extents), x.dtype());
    }

    /** Records the operation and returns y. */
    public static Tensor record(Tape tape, String name, Tensor x, Layer first, Layer second) {
        return new MlpOp(name, tape, x, first, second).y;
    }

    @Override
    public List<Tensor> inputs() {
        return List.of(x);
    }

    @Override
    public List<Tensor> outputs() {
        return List.of(y, h, a);
    }

    @Override
    public void connect(Tape tape) {
        dy = tape.gradient(y);
        da = new Tensor("grad/" + a.name(), a.shape(), a.dtype());
        dx = tape.newGradient(x);
    }

    @Override
    public List<Tensor> backwardUses() {
        return dx == null ? List.of(x, a, h, dy, da) : List.of(x, a, h, dy, da, dx);
    }

    @Override
    public boolean hasParameters() {
        return true;
    }

    @Override
    public Cost cost() {
        long products = 2 * h.shape().count() * (x.shape().at(-1) + second.width());
        long ofFirst = dx == null ? 2 * h.shape().count() * x.shape().at(-1) : 0;
        long gelu = h.shape().count();
        long bytes = x.bytes() + y.bytes() + first.weight.value().bytes() + second.weight.value().bytes();
        return new Cost(products + 21 * gelu, bytes + 4 * h.bytes(), 2 * products - ofFirst + 32 * gelu, 2 * bytes + 7 * h.bytes());
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuMlp(cpu, this);
            case CudaDevice cuda -> CudaMlp.of(cuda.context(), this);
        };
    }
}
