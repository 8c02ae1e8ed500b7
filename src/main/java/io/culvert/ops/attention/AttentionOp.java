package io.culvert.ops.attention;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.ops.Cost;
import io.culvert.ops.Op;
import io.culvert.ops.OpKernel;
import io.culvert.ops.Tape;
import io.culvert.tensor.Shape;
import io.culvert.tensor.Tensor;
import java.util.List;

/**
 * Scaled dot-product attention (Vaswani et al. 2017, equation 1), fused: {@code y = softmax(scale q k^T) v} for each head,
 * keeping of the {@code N x N} matrix only the log-sum-exp of each row (Dao et al. 2022). Either q, k, v and y are
 * {@code [B, H, N, D]}, or q, k and v are the parts of one projection {@code [B, N, 3, H, D]} and y is {@code [B, N, H D]},
 * as a transformer's linear layers leave and take them. The GPU takes D of 16, 32, 64 and 128.
 */
public final class AttentionOp extends Op {
    /** Elements from one image, head and token to the next. */
    record Strides(int image, int head, int token) {}

    /** q, k and v, the first element of each at {@link #start}: one tensor three times where they are packed. */
    final Tensor q;

    final Tensor k;
    final Tensor v;
    final Tensor y;
    /** The log-sum-exp of each query's scores, {@code [B, H, N]}; on the CPU its negative, to base 2. */
    final Tensor logSum;

    final double scale;
    final int images;
    final int heads;
    final int tokens;
    final int headDim;
    /** Of q, k, v and their gradients. */
    final Strides in;
    /** Of y and its gradient. */
    final Strides out;

    Tensor dy;
    Tensor delta;
    Tensor dq;
    Tensor dk;
    Tensor dv;

    /** Separate q, k and v. */
    private AttentionOp(String name, Tape tape, Tensor q, Tensor k, Tensor v, double scale) {
        super(name);
        this.q = q;
        this.k = k;
        this.v = v;
        this.scale = scale;
        images = q.shape().at(0);
        heads = q.shape().at(1);
        tokens = q.shape().at(2);
        headDim = q.shape().at(3);
        in = new Strides(heads * tokens * headDim, tokens * headDim, headDim);
        out = in;
        y = new Tensor(name + ".y", q.shape(), q.dtype());
        logSum = Tensor.f32(name + ".lse", images * heads * tokens);
        tape.record(this);
    }

    /** Packed q, k and v. */
    private AttentionOp(String name, Tape tape, Tensor qkv, int heads, double scale) {
        super(name);
        q = qkv;
        k = qkv;
        v = qkv;
        this.scale = scale;
        this.heads = heads;
        images = qkv.shape().at(0);
        tokens = qkv.shape().at(1);
        int width = qkv.shape().at(2) / 3;
        headDim = width / heads;
        in = new Strides(tokens * 3 * width, headDim, 3 * width);
        out = new Strides(tokens * width, headDim, width);
        y = new Tensor(name + ".y", Shape.of(images, tokens, width), qkv.dtype());
        logSum = Tensor.f32(name + ".lse", images * heads * tokens);
        tape.record(this);
    }

    /** The greatest score is that of the greatest product. */
    static void requireScale(String name, double scale) {
        if (!(scale >= 0 && scale <= Float.MAX_VALUE)) {
            throw new IllegalArgumentException(name + ": scores cannot be scaled by " + scale);
        }
    }

    /**
     * Records the operation on separate q, k and v and returns y.
     *
     * @param scale not negative
     */
    public static Tensor record(Tape tape, String name, Tensor q, Tensor k, Tensor v, double scale) {
        if (q.shape().rank() != 4 || !q.shape().equals(k.shape()) || !q.shape().equals(v.shape())) {
            throw new IllegalArgumentException(name + ": needs q, k, v of one shape [B, H, N, D], got " + q + k + v);
        }
        requireScale(name, scale);
        return new AttentionOp(name, tape, q, k, v, scale).y;
    }

    /**
     * Records the operation on {@code [B, N, 3 H D]} and returns y, {@code [B, N, H D]}.
     *
     * @param qkv all heads of q, then all of k, then all of v, in each token
     * @param scale not negative
     */
    public static Tensor record(Tape tape, String name, Tensor qkv, int heads, double scale) {
        if (qkv.shape().rank() != 3 || qkv.shape().at(2) % (3 * heads) != 0) {
            throw new IllegalArgumentException(name + ": needs [B, N, 3 x " + heads + " x D], got " + qkv);
        }
        requireScale(name, scale);
        return new AttentionOp(name, tape, qkv, heads, scale).y;
    }

    /** The element of its tensor where q (0), k (1) or v (2) or its gradient starts. */
    int start(int part) {
        return packed() ? part * heads * headDim : 0;
    }

    /** The address of q, k, v or of its gradient. */
    long address(Tensor tensor, int part) {
        return tensor.address() + (long) start(part) * tensor.dtype().bytes;
    }

    private boolean packed() {
        return q == k;
    }

    @Override
    public List<Tensor> inputs() {
        return packed() ? List.of(q) : List.of(q, k, v);
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
        dk = packed() ? dq : gradient(tape, k);
        dv = packed() ? dq : gradient(tape, v);
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
    public Cost cost() {
        long product = 2 * y.shape().count() * tokens;
        return new Cost(2 * product, 4 * y.bytes(), 7 * product, 8 * y.bytes());
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuAttention(cpu, this);
            case CudaDevice cuda -> new CudaAttention(cuda.context(), this);
        };
    }
}
