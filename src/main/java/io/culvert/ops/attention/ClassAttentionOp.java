package io.culvert.ops.attention;

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
 * Attention of each image's first token alone to all its tokens, with the projection to q, k and v: what {@link AttentionOp} gives the
 * first token of {@code x W^T + b}. x {@code [B, N, D]}, W {@code [3 H E, D]}, b {@code [3 H E]}, y {@code [B, H E]}.
 *
 * <p>For one query the tokens' k and v need not be made. With {@code W = (Wq, Wk, Wv)}, for each head, {@code q . k_j = f . x_j +
 * q . bk} where {@code f = Wk^T q}, and the softmax does not see what is equal for all j; and {@code sum p_j v_j = Wv z + bv} where
 * {@code z = sum p_j x_j}. So of {@code 2 N D H E} products for k and v there remain {@code 2 N D H}, and bk has no gradient.
 */
public final class ClassAttentionOp extends Op {
    final Tensor x;
    final Parameter weight;
    final Parameter bias;
    final int heads;
    final double scale;
    final int images;
    final int tokens;
    /** D. */
    final int width;
    /** E. */
    final int headDim;

    final Tensor y;
    /** {@code [B, H E]}. */
    final Tensor q;
    /** f, {@code [B, H, D]}. */
    final Tensor folded;
    /** z, {@code [B, H, D]}. */
    final Tensor pooled;
    /** p, {@code [B, H, N]}; the CPU makes it anew from {@link #logSum} and keeps none. */
    Tensor weights;
    /** The negative log-sum-exp of the scores, to base 2, {@code [B, H]}; null on a GPU. */
    Tensor logSum;

    Tensor dy;
    Tensor dx;
    Tensor dq;
    Tensor dfolded;
    Tensor dpooled;
    /** Of the scores, as {@link #weights}. */
    Tensor dscores;

    private ClassAttentionOp(String name, Tape tape, Tensor x, Parameter weight, Parameter bias, int heads, double scale) {
        super(name);
        this.x = x;
        this.weight = weight;
        this.bias = bias;
        this.heads = heads;
        this.scale = scale;
        images = x.shape().at(0);
        tokens = x.shape().at(1);
        width = x.shape().at(2);
        headDim = weight.value().shape().at(0) / (3 * heads);
        y = like(".y", images, heads * headDim);
        q = like(".q", images, heads * headDim);
        folded = like(".folded", images, heads, width);
        pooled = like(".pooled", images, heads, width);
        tape.record(this);
    }

    private Tensor like(String suffix, int... extents) {
        return new Tensor(name() + suffix, Shape.of(extents), x.dtype());
    }

    /**
     * Records the operation and returns y.
     *
     * @param weight all heads of q, then all of k, then all of v
     * @param scale not negative
     */
    public static Tensor record(
            Tape tape, String name, Tensor x, Parameter weight, Parameter bias, int heads, double scale) {
        Shape matrix = weight.value().shape();
        if (x.shape().rank() != 3 || matrix.rank() != 2 || matrix.at(1) != x.shape().at(2)
                || matrix.at(0) % (3 * heads) != 0 || bias.value().shape().count() != matrix.at(0)) {
            throw new IllegalArgumentException("%s: needs [B, N, D], [3 x %d x E, D] and as many biases, got %s, %s and %s"
                    .formatted(name, heads, x, weight.value(), bias.value()));
        }
        AttentionOp.requireScale(name, scale);
        return new ClassAttentionOp(name, tape, x, weight, bias, heads, scale).y;
    }

    /** The first row of a head's part of the projection to q (0), k (1) or v (2). */
    int row(int part, int head) {
        return (part * heads + head) * headDim;
    }

    @Override
    public List<Tensor> inputs() {
        return List.of(x);
    }

    @Override
    public void choose(Device device) {
        switch (device) {
            case CpuDevice cpu -> logSum = Tensor.f32(name() + ".lse", images, heads);
            case CudaDevice cuda -> weights = Tensor.f32(name() + ".p", images, heads, tokens);
        }
    }

    @Override
    public List<Tensor> outputs() {
        return chosen() == null ? List.of(y, q, folded, pooled) : List.of(y, q, folded, pooled, chosen());
    }

    private Tensor chosen() {
        return logSum == null ? weights : logSum;
    }

    /** All gradients come out of one pass, wanted or not. */
    @Override
    public void connect(Tape tape) {
        dy = tape.gradient(y);
        Tensor wanted = tape.newGradient(x);
        dx = wanted != null ? wanted : new Tensor("grad/" + x.name(), x.shape(), x.dtype());
        dq = like(".dq", images, heads * headDim);
        dfolded = like(".dfolded", images, heads, width);
        dpooled = like(".dpooled", images, heads, width);
        dscores = weights == null ? null : Tensor.f32(name() + ".ds", images, heads, tokens);
    }

    @Override
    public List<Tensor> backwardUses() {
        return dscores == null
                ? List.of(x, q, folded, pooled, logSum, dy, dx, dq, dfolded, dpooled)
                : List.of(x, q, folded, pooled, weights, dy, dx, dq, dfolded, dpooled, dscores);
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(weight, bias);
    }

    @Override
    public Cost cost() {
        long projections = 4 * images * 2L * width * heads * headDim;
        long pass = 2 * x.shape().count() * heads;
        long bytes = weight.value().bytes();
        return new Cost(projections + 2 * pass, x.bytes() + bytes, 2 * projections + 5 * pass, 2 * x.bytes() + 2 * bytes);
    }

    @Override
    protected OpKernel bind(Device device) {
        return switch (device) {
            case CpuDevice cpu -> new CpuClassAttention(cpu, this);
            case CudaDevice cuda -> new CudaClassAttention(cuda.context(), this);
        };
    }
}
