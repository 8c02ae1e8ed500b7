package io.culvert.ops.pool;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.ops.Cost;
import io.culvert.ops.Op;
import io.culvert.ops.OpKernel;
import io.culvert.ops.Tape;
import io.culvert.tensor.DType;
import io.culvert.tensor.Shape;
import io.culvert.tensor.Tensor;
import java.util.List;

/**
 * Maximum over square windows; padding never wins; the gradient goes to one of equals, on the CPU to the first in row
 * order, as in PyTorch (which one cuDNN takes, its documents do not say).
 * x {@code [N, H, W, C]} to y {@code [N, OH, OW, C]} with {@code OH = (H + 2 padding - kernel) / stride + 1}.
 */
public final class MaxPoolOp extends Op {
    final Tensor x;
    final Tensor y;
    /** For each output the position of its maximum in the window, row by row; null on a GPU. */
    Tensor winner;

    final int kernel;
    final int stride;
    final int padding;
    Tensor dy;
    Tensor dx;

    private MaxPoolOp(String name, Tape tape, Tensor x, int kernel, int stride, int padding) {
        super(name);
        this.x = x;
        this.kernel = kernel;
        this.stride = stride;
        this.padding = padding;
        Shape in = x.shape();
        Shape out = Shape.of(in.at(0), extent(in.at(1)), extent(in.at(2)), in.at(3));
        y = new Tensor(name + ".y", out, x.dtype());
        tape.record(this);
    }

    private int extent(int in) {
        return (in + 2 * padding - kernel) / stride + 1;
    }

    /** Records the operation and returns y. */
    public static Tensor record(Tape tape, String name, Tensor x, int kernel, int stride, int padding) {
        if (kernel > 15 || 2 * padding > kernel) {
            throw new IllegalArgumentException(
                    name + ": kernel " + kernel + " must be at most 15 and padding " + padding + " at most half of it");
        }
        return new MaxPoolOp(name, tape, x, kernel, stride, padding).y;
    }

    @Override
    public List<Tensor> inputs() {
        return List.of(x);
    }

    @Override
    public List<Tensor> outputs() {
        return winner == null ? List.of(y) : List.of(y, winner);
    }

    /** The CPU remembers where the maxima were; cuDNN finds them again in x. */
    @Override
    public void choose(Device device) {
        winner = switch (device) {
            case CpuDevice cpu -> new Tensor(name() + ".winner", y.shape(), DType.U8);
            case CudaDevice cuda -> null;
        };
    }

    @Override
    public void connect(Tape tape) {
        dy = tape.gradient(y);
        dx = tape.newGradient(x);
    }

    @Override
    public List<Tensor> backwardUses() {
        return winner == null ? List.of(x, y, dy, dx) : List.of(winner, dy, dx);
    }

    @Override
    public Cost cost() {
        long taps = (long) kernel * kernel * y.shape().count();
        long moved = x.bytes() + y.bytes();
        long kept = winner == null ? 0 : winner.bytes();
        return new Cost(taps, moved + kept, taps, moved + (winner == null ? moved : kept));
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuMaxPool(cpu, this);
            case CudaDevice cuda -> new CudaMaxPool(cuda.context(), this);
        };
    }
}
