package io.culvert.ops.attention;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.ColumnTotals;
import io.culvert.device.cpu.OneDnn;
import io.culvert.device.cpu.Simd;
import io.culvert.device.cpu.StridedProduct;
import io.culvert.device.cpu.StridedProduct.Strides;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import io.culvert.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * The projections for all images by oneDNN; between them an image at a time for each worker, with the image's tokens in its cache. Scores lie with
 * a token's row of heads after another, as {@link SoftmaxTile} takes them.
 */
final class CpuClassAttention implements OpKernel {
    /** Elements of a cache line, which holds whole vectors. */
    private static final int LINE = 64 / Float.BYTES;

    private final ClassAttentionOp op;
    private final OneDnn dnn;
    private final Workers workers;
    private final int heads;
    private final int d;
    private final int e;
    /** H E, the elements of y's rows. */
    private final int out;
    /** Elements from a token's row of heads to the next. */
    private final int across;
    /** Of scores, as exponents of 2. */
    private final float scaleOfPowers;

    private final ColumnTotals dbias;
    /** Of q and of v, cut once. */
    private final MemorySegment[] biasGradients = new MemorySegment[2];
    private final Worker[] each;
    private final Workers.Range forwardTask = this::attend;
    private final Workers.Range backwardTask = this::differentiate;

    CpuClassAttention(CpuDevice cpu, ClassAttentionOp op) {
        this.op = op;
        dnn = cpu.oneDnn();
        workers = cpu.workers();
        heads = op.heads;
        d = op.width;
        e = op.headDim;
        out = heads * e;
        across = Math.ceilDiv(heads, LINE) * LINE;
        scaleOfPowers = (float) (op.scale / Math.log(2));
        dbias = op.dy == null ? null : new ColumnTotals(workers, out);
        each = new Worker[workers.threads()];
        for (int worker = 0; worker < each.length; worker++) {
            each[worker] = new Worker(worker);
        }
    }

    /** One worker's products of an image and memory. */
    private final class Worker {
        final StridedProduct scores;
        final StridedProduct pooled;
        /** Null, as what follows, if there is no backward pass. */
        final StridedProduct dfolded;

        final StridedProduct dx;
        final StridedProduct more;
        final float[] offsets = new float[across];
        final float[] inverses = new float[across];
        final ScoreMemory memory;

        Worker(int worker) {
            int n = op.tokens;
            long bytes = (long) n * across * Float.BYTES;
            Strides tokens = Strides.rows((long) n * d, d);
            Strides rows = Strides.rows((long) heads * d, d);
            Strides rowsAcross = Strides.columns((long) heads * d, d);
            Strides byToken = Strides.rows((long) n * across, across);
            Strides byHead = Strides.columns((long) n * across, across);
            boolean training = op.dy != null;
            scores = new StridedProduct(dnn, 1, n, heads, d, tokens, rowsAcross, byToken, false);
            pooled = new StridedProduct(dnn, 1, heads, d, n, byHead, tokens, rows, false);
            dfolded = training ? new StridedProduct(dnn, 1, heads, d, n, byHead, tokens, rows, false) : null;
            dx = training ? new StridedProduct(dnn, 1, n, d, heads, byToken, rows, tokens, false) : null;
            more = training ? new StridedProduct(dnn, 1, n, d, heads, byToken, rows, tokens, true) : null;
            long most = Math.max(scores.scratchBytes(), pooled.scratchBytes());
            if (training) {
                most = Math.max(most, dfolded.scratchBytes());
                most = Math.max(most, Math.max(dx.scratchBytes(), more.scratchBytes()));
            }
            memory = new ScoreMemory(dnn.workspace(worker), bytes, most);
        }
    }

    @Override
    public void forward() {
        layBias(op.q, 0);
        product('T', op.images, out, d, at(op.x, 0), op.tokens * d, ofWeight(0, 0), d, 1, at(op.q, 0), out);
        for (int h = 0; h < heads; h++) {
            product('N', op.images, d, e, at(op.q, h * e), out, ofWeight(1, h), d, 0, at(op.folded, h * d), heads * d);
        }
        workers.run(op.images, 1, forwardTask);
        layBias(op.y, 2);
        for (int h = 0; h < heads; h++) {
            product('T', op.images, e, d, at(op.pooled, h * d), heads * d, ofWeight(2, h), d, 1, at(op.y, h * e), out);
        }
    }

    /** The bias of a part of the projection, for the product to add to. */
    private void layBias(Tensor rows, int part) {
        long bytes = (long) out * Float.BYTES;
        MemorySegment biases = op.bias.value().data();
        for (int i = 0; i < op.images; i++) {
            MemorySegment.copy(biases, op.row(part, 0) * (long) Float.BYTES, rows.data(), i * bytes, bytes);
        }
    }

    /** {@code c = a b + beta c}, with b a transposed matrix or not. */
    private void product(char b, int m, int n, int k, long a, int lda, long of, int ldb, float beta, long c, int ldc) {
        dnn.sgemm('N', b, m, n, k, a, lda, of, ldb, beta, c, ldc);
    }

    private static long at(Tensor tensor, int element) {
        return tensor.address() + (long) element * Float.BYTES;
    }

    private long ofWeight(int part, int head) {
        return at(op.weight.value(), op.row(part, head) * d);
    }

    private long ofGradient(int part, int head) {
        return at(op.weight.gradient(), op.row(part, head) * d);
    }

    private void attend(int worker, int from, int to) {
        for (int image = from; image < to; image++) {
            attend(each[worker], image);
        }
    }

    private void attend(Worker w, int image) {
        long tokens = tokens(op.x, image);
        long pooled = heads(op.pooled, image);
        w.scores.multiply(tokens, heads(op.folded, image), w.memory.weights().address(), w.memory.scratch());
        SoftmaxTile.weights(w.memory.weights(), 0, across, op.tokens, heads, scaleOfPowers, w.offsets, w.inverses, 0);
        w.pooled.multiply(w.memory.weights().address(), tokens, pooled, w.memory.scratch());
        MemorySegment.copy(w.offsets, 0, op.logSum.data(), JAVA_FLOAT, (long) image * heads * Float.BYTES, heads);
        for (int h = 0; h < heads; h++) {
            Simd.scale(op.pooled.data(), ((long) image * heads + h) * d, d, w.inverses[h]);
        }
    }

    private long tokens(Tensor tensor, int image) {
        return tensor.address() + (long) image * op.tokens * d * Float.BYTES;
    }

    private long heads(Tensor tensor, int image) {
        return tensor.address() + (long) image * heads * d * Float.BYTES;
    }

    @Override
    public void backward() {
        if (biasGradients[0] == null) {
            biasGradients[0] = biasGradient(0);
            biasGradients[1] = biasGradient(2);
        }
        int images = op.images;
        dbias.addRows(op.dy.data(), images, biasGradients[1]);
        for (int h = 0; h < heads; h++) {
            product('N', images, d, e, at(op.dy, h * e), out, ofWeight(2, h), d, 0, at(op.dpooled, h * d), heads * d);
            addOuter(at(op.dy, h * e), at(op.pooled, h * d), ofGradient(2, h));
        }
        workers.run(images, 1, backwardTask);
        for (int h = 0; h < heads; h++) {
            product('T', images, e, d, at(op.dfolded, h * d), heads * d, ofWeight(1, h), d, 0, at(op.dq, h * e), out);
            addOuter(at(op.q, h * e), at(op.dfolded, h * d), ofGradient(1, h));
        }
        dbias.addRows(op.dq.data(), images, biasGradients[0]);
        dnn.sgemm('T', 'N', out, d, images, at(op.dq, 0), out, at(op.x, 0), op.tokens * d, 1, ofGradient(0, 0), d);
        product('N', images, d, out, at(op.dq, 0), out, ofWeight(0, 0), d, 1, at(op.dx, 0), op.tokens * d);
    }

    /** {@code gradient += a^T b}, of a head's part of the weight. */
    private void addOuter(long a, long b, long gradient) {
        dnn.sgemm('T', 'N', e, d, op.images, a, out, b, heads * d, 1, gradient, d);
    }

    private MemorySegment biasGradient(int part) {
        return op.bias.gradient().data().asSlice(op.row(part, 0) * (long) Float.BYTES, (long) out * Float.BYTES);
    }

    private void differentiate(int worker, int from, int to) {
        for (int image = from; image < to; image++) {
            differentiate(each[worker], image);
        }
    }

    /** With dp = x dz, dS = scale p (dp - sum p dp): df = dS^T x, dx = p dz + dS f. */
    private void differentiate(Worker w, int image) {
        long tokens = tokens(op.x, image);
        long folded = heads(op.folded, image);
        long dpooled = heads(op.dpooled, image);
        long dx = tokens(op.dx, image);
        w.scores.multiply(tokens, folded, w.memory.weights().address(), w.memory.scratch());
        w.scores.multiply(tokens, dpooled, w.memory.slopes().address(), w.memory.scratch());
        MemorySegment.copy(op.logSum.data(), JAVA_FLOAT, (long) image * heads * Float.BYTES, w.offsets, 0, heads);
        // The softmax of one score is 1 whatever the score: its slope vanishes exactly, which a difference would not.
        float slope = op.tokens == 1 ? 0 : (float) op.scale;
        SoftmaxTile.slopes(
                w.memory.slopes(), w.memory.weights(), 0, across, op.tokens, heads, scaleOfPowers, w.offsets, 0, slope);
        w.dfolded.multiply(w.memory.slopes().address(), tokens, heads(op.dfolded, image), w.memory.scratch());
        w.dx.multiply(w.memory.weights().address(), dpooled, dx, w.memory.scratch());
        w.more.multiply(w.memory.slopes().address(), folded, dx, w.memory.scratch());
    }
}
