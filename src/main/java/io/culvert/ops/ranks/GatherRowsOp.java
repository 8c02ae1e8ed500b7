package io.culvert.ops.ranks;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.ops.Cost;
import io.culvert.ops.Op;
import io.culvert.ops.OpKernel;
import io.culvert.ops.Tape;
import io.culvert.tensor.Tensor;
import java.util.List;

/**
 * The rows of all ranks, in the order that one rank with the whole batch has them: x {@code [views * B, D]} of this rank, y
 * {@code [views * ranks * B, D]}, view after view and in each rank after rank.
 *
 * <p>What is computed of y, each rank computes whole. So the gradient of y that a rank has is already that of the whole loss,
 * and nothing is sent back: {@code dx = ranks * (own rows of dy)}. The factor is there because parameters' gradients are the
 * mean over ranks, where a loss that is a mean over images needs none.
 */
public final class GatherRowsOp extends Op {
    final Tensor x;
    final Tensor y;
    final int views;
    final int ranks;
    Tensor dy;
    Tensor dx;

    private GatherRowsOp(String name, Tape tape, Tensor x, int views) {
        super(name);
        this.x = x;
        this.views = views;
        ranks = tape.ranks();
        y = Tensor.f32(name + ".y", ranks * x.shape().at(0), x.shape().at(1));
        tape.record(this);
    }

    /**
     * Records the operation and returns y; x itself where there is one rank.
     *
     * @param x single precision
     * @param views that lie one after another in x
     */
    public static Tensor record(Tape tape, String name, Tensor x, int views) {
        if (x.shape().rank() != 2 || x.shape().at(0) % views != 0) {
            throw new IllegalArgumentException(name + ": needs [views * B, D] with " + views + " views, got " + x);
        }
        return tape.ranks() == 1 ? x : new GatherRowsOp(name, tape, x, views).y;
    }

    /** Bytes of one view on one rank. */
    long blockBytes() {
        return x.bytes() / views;
    }

    /** Where a view of a rank lies in y. */
    long offset(int view, int rank) {
        return ((long) view * ranks + rank) * blockBytes();
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
        dx = tape.newGradient(x);
    }

    @Override
    public List<Tensor> backwardUses() {
        return dx == null ? List.of(dy) : List.of(dy, dx);
    }

    @Override
    public Cost cost() {
        return new Cost(0, x.bytes() + y.bytes(), x.shape().count(), 2 * x.bytes());
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuGatherRows(cpu, this);
            case CudaDevice cuda -> new CudaGatherRows(cuda, this);
        };
    }
}
