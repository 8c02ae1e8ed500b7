package io.culvert.ops.attention;

import io.culvert.device.cpu.OneDnn;
import io.culvert.device.cpu.StridedProduct;
import io.culvert.device.cpu.StridedProduct.Strides;

/**
 * The products of a group of an image's heads for so many of their queries, one worker's. With S the scores by key {@code [N, queries]}, P the
 * softmax and dP and dS their gradients by key as well, the others by token: {@code S = k q^T}, {@code y = P^T v}; {@code dP = v
 * dy^T}, {@code dv = P dy}, {@code dk = dS q}, {@code dq = dS^T k}.
 */
final class HeadTile {
    final int queries;
    final StridedProduct scores;
    final StridedProduct result;
    /** Null, as what follows, if there is no backward pass. */
    final StridedProduct slopes;

    final StridedProduct dv;
    final StridedProduct dk;
    final StridedProduct dq;

    /**
     * Describes them.
     *
     * @param heads of the group
     * @param stride elements from a key's row of scores to the next
     * @param add whether dk and dv add to what they hold, the sums over the queries before
     */
    HeadTile(OneDnn dnn, AttentionOp op, int heads, int queries, int stride, boolean add) {
        this.queries = queries;
        int n = op.tokens;
        int d = op.headDim;
        long tile = (long) n * stride;
        Strides tokens = Strides.rows(op.in.head(), op.in.token());
        Strides tokensAcross = Strides.columns(op.in.head(), op.in.token());
        Strides outputs = Strides.rows(op.out.head(), op.out.token());
        Strides outputsAcross = Strides.columns(op.out.head(), op.out.token());
        Strides byKey = Strides.rows(tile, stride);
        Strides byQuery = Strides.columns(tile, stride);
        scores = new StridedProduct(dnn, heads, n, queries, d, tokens, tokensAcross, byKey, false);
        result = new StridedProduct(dnn, heads, queries, d, n, byQuery, tokens, outputs, false);
        boolean training = op.dy != null;
        slopes = training ? new StridedProduct(dnn, heads, n, queries, d, tokens, outputsAcross, byKey, false) : null;
        dv = training ? new StridedProduct(dnn, heads, n, d, queries, byKey, outputs, tokens, add) : null;
        dk = training ? new StridedProduct(dnn, heads, n, d, queries, byKey, tokens, tokens, add) : null;
        dq = training ? new StridedProduct(dnn, heads, queries, d, n, byQuery, tokens, tokens, false) : null;
    }

    /** Of memory for the products' own use. */
    long scratchBytes() {
        long most = Math.max(scores.scratchBytes(), result.scratchBytes());
        if (dq != null) {
            most = Math.max(most, Math.max(slopes.scratchBytes(), dq.scratchBytes()));
            most = Math.max(most, Math.max(dv.scratchBytes(), dk.scratchBytes()));
        }
        return most;
    }
}
