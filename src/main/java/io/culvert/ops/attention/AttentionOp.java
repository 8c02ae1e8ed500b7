package io.culvert.ops.attention;

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
 * Scaled dot-product attention (Vaswani et al. 2017, equation 1), fused: {@code y = softmax(scale q k^T) v} for each head,
 * keeping of the {@code N x N} matrix only the log-sum-exp of each row (Dao et al. 2022). q, k, v, y:
 * {@code [B, H, N, D]}; the GPU takes D of 16, 32, 64 and 128.
 */
public final class AttentionOp extends Op {
    final Tensor q;
    final Tensor k;
    final Tensor v;
    final Tensor y;
    final Tensor logSum;
    final double scale;
    Tensor dy;
    Tensor delta;
    Tensor dq;
    Tensor dk;
    Tensor dv;

    private AttentionOp(String name, Tape tape, Tensor q, Tensor k, Tensor v, double scale) {
        super(name);
        this.q = q;
        this.k = k;
        this.v = v;
        this.scale = scale;
        y = new Tensor(name + ".y", q.shape(), q.dtype());
        logSum = Tensor.f32(name + ".lse", q.shape().rows());
        tape.record(this);
    }

    /** Records the operation and returns y. */
    public static Tensor record(Tape tape, String name, Tensor q, Tensor k, Tensor v, double scale) {
        if (q.shape().rank() != 4 || !q.shape().equals(k.shape()) || !q.shape().equals(v.shape())) {
            throw new IllegalArgumentException(name + ": needs q, k, v of one shape [B, H, N, D], got " + q + k + v);
        }
        return new AttentionOp(name, tape, q, k, v, scale).y;
    }

    int heads() {
        return q.shape().at(0) * q.shape().at(1);
    }

    int tokens() {
        return q.shape().at(2);
    }

    int headDim() {
        return q.shape().at(3);
    }

    @Override
    public List<Tensor> inputs() {
        return List.of(q, k, v);
    }

    @Override
    public List<Tensor> outputs() {
        return List.of(y, logSum);
    }

    /** All three gradients come out of one pass, wanted or not. */
    @Override
    public void connect(Tape tape) {
        dy = tape.gradient(y);
        delta = new Tensor(name() + ".delta", logSum.shape(), logSum.dtype());
        dq = gradient(tape, q);
        dk = gradient(tape, k);
        dv = gradient(tape, v);
    }

    private static Tensor gradient(Tape tape, Tensor of) {
        Tensor gradient = tape.newGradient(of);
        return gradient != null ? gradient : new Tensor("grad/" + of.name(), of.shape(), of.dtype());
    }

    @Override
    public List<Tensor> backwardUses() {
        return List.of(q, k, v, y, logSum, dy, delta, dq, dk, dv);
    }

    @Override
    public boolean hasParameters() {
        return false;
    }

    @Override
    public Cost cost() {
        long product = 2 * q.shape().count() * tokens();
        return new Cost(2 * product, 4 * q.bytes(), 7 * product, 8 * q.bytes());
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuAttention(cpu, this);
            case CudaDevice cuda -> new CudaAttention(cuda.context(), this);
        };
    }
}
