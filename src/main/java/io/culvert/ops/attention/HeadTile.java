package io.culvert.ops.attention;

import io.culvert.device.cpu.OneDnn;
import io.culvert.device.cpu.StridedProduct;
import io.culvert.device.cpu.StridedProduct.Strides;

/**
 * The products of a head of attention for so many of its queries, one worker's. With S the scores by key {@code [N, queries]}, P the
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
     * @param stride elements from a key's row of scores to the next
     * @param add whether dk and dv add to what they hold, the sums over the queries before
     */
    HeadTile(OneDnn dnn, AttentionOp op, int queries, int stride, boolean add) {
        this.queries = queries;
        int n = op.tokens;
        int d = op.headDim;
        long in = op.in.token();
        long out = op.out.token();
        Strides tokens = Strides.rows(in);
        Strides outputs = Strides.rows(out);
        Strides byKey = Strides.rows(stride);
        Strides byQuery = Strides.columns(stride);
        boolean training = op.dy != null;
        scores = new StridedProduct(dnn, n, queries, d, tokens, Strides.columns(in), stride, false);
        result = new StridedProduct(dnn, queries, d, n, byQuery, tokens, out, false);
        slopes = training ? new StridedProduct(dnn, n, queries, d, tokens, Strides.columns(out), stride, false) : null;
        dv = training ? new StridedProduct(dnn, n, d, queries, byKey, outputs, in, add) : null;
        dk = training ? new StridedProduct(dnn, n, d, queries, byKey, tokens, in, add) : null;
        dq = training ? new StridedProduct(dnn, queries, d, n, byQuery, tokens, in, false) : null;
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
