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

/** Neighbouring tokens of each sequence: x {@code [N, L, D]}; y the first token {@code [N, D]}, or the others {@code [N, L - 1, D]}. */
public final class TokenSliceOp extends UnaryOp {
    final int first;
    final int count;

    private TokenSliceOp(String name, Tape tape, Tensor x, int first, int count, Shape shape) {
        super(name, tape, x, new Tensor(name + ".y", shape, x.dtype()));
        this.first = first;
        this.count = count;
    }

    /** Records the choice of the class token, the first of each sequence, and returns it: {@code [N, D]}. */
    public static Tensor classToken(Tape tape, String name, Tensor x) {
        requireSequences(name, x, 1);
        return new TokenSliceOp(name, tape, x, 0, 1, Shape.of(x.shape().at(0), x.shape().at(2))).y();
    }

    /** Records the choice of all tokens but the first and returns them: {@code [N, L - 1, D]}. */
    public static Tensor patches(Tape tape, String name, Tensor x) {
        requireSequences(name, x, 2);
        int count = x.shape().at(1) - 1;
        return new TokenSliceOp(name, tape, x, 1, count, Shape.of(x.shape().at(0), count, x.shape().at(2))).y();
    }

    private static void requireSequences(String name, Tensor x, int least) {
        if (x.shape().rank() != 3 || x.shape().at(1) < least) {
            throw new IllegalArgumentException(name + ": needs [N, L, D] with L of at least " + least + ", got " + x);
        }
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
            case CpuDevice cpu -> new CpuTokenSlice(cpu, this);
            case CudaDevice cuda -> new CudaTokenSlice(cuda.context(), this);
        };
    }
}
