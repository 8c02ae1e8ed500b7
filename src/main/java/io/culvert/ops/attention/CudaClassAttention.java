package io.culvert.ops.attention;

import io.culvert.device.cuda.CublasLt.Batch;
import io.culvert.device.cuda.CublasLt.Epilogue;
import io.culvert.device.cuda.CublasLt.Matmul;
import io.culvert.device.cuda.CublasLt.Operand;
import io.culvert.device.cuda.CublasLt.Product;
import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.device.cuda.Element;
import io.culvert.ops.OpKernel;
import io.culvert.ops.linear.CudaLinear;
import io.culvert.tensor.Tensor;

/**
 * {@code kernels/classattention.cu} between products by cuBLASLt: where each head has rows of its own in W these are batches, but for y's,
 * whose bias differs from head to head.
 */
final class CudaClassAttention implements OpKernel {
    private static final int THREADS = 256;
    private static final int WARP = 32;
    private static final int WARPS = 8;

    private final CudaContext cuda;
    private final ClassAttentionOp op;
    private final Element element;
    private final int heads;
    /** D. */
    private final int d;
    /** E. */
    private final int e;
    /** H E. */
    private final int out;

    private final Matmul query;
    private final Matmul fold;
    private final CudaLaunch attend;
    private final Matmul[] project;
    /** Null, as what follows, if there is no backward pass. */
    private final Matmul dpooled;

    private final Matmul dvalues;
    private final CudaLaunch[] dvalueBias;
    private final CudaLaunch dquery;
    private final CudaLaunch dtokens;
    private final Matmul dq;
    private final Matmul dkeys;
    private final Matmul dqueries;
    private final CudaLaunch[] dqueryBias;
    private final Matmul dclass;

    CudaClassAttention(CudaContext cuda, ClassAttentionOp op) {
        this.cuda = cuda;
        this.op = op;
        element = op.x.dtype().element();
        heads = op.heads;
        d = op.width;
        e = op.headDim;
        out = heads * e;
        int images = op.images;
        String suffix = "_" + op.x.dtype().suffix;
        query = plan(new Product(images, out, d, 1, classTokens(op.x), transposed(weight(0, 0)), 0, at(op.q, 0, out))
                .with(bias(0, 0)));
        fold = plan(new Product(images, d, e, 1, at(op.q, 0, out), plain(weight(1, 0)), 0, at(op.folded, 0, heads * d))
                .times(new Batch(heads, e, (long) e * d, d)));
        attend = cuda.launch("classattention", "classattention_forward" + suffix).grid(images * heads).block(THREADS)
                .pointer(op.pooled.address()).pointer(op.weights.address()).pointer(op.folded.address())
                .pointer(op.x.address()).int32(op.tokens).int32(heads).int32(d).float32(op.scale);
        project = new Matmul[heads];
        for (int h = 0; h < heads; h++) {
            project[h] = plan(new Product(
                            images, e, d, 1, at(op.pooled, h * d, heads * d), transposed(weight(2, h)), 0, at(op.y, h * e, out))
                    .with(bias(2, h)));
        }
        if (op.dy == null) {
            dpooled = null;
            dvalues = null;
            dvalueBias = null;
            dquery = null;
            dtokens = null;
            dq = null;
            dkeys = null;
            dqueries = null;
            dqueryBias = null;
            dclass = null;
            return;
        }
        dpooled = plan(new Product(images, d, e, 1, at(op.dy, 0, out), plain(weight(2, 0)), 0, at(op.dpooled, 0, heads * d))
                .times(new Batch(heads, e, (long) e * d, d)));
        dvalues = outer(op.dy, op.pooled, 2);
        dvalueBias = CudaLinear.biasGradient(cuda, biasGradient(2), op.dy);
        dquery = cuda.launch("classattention", "classattention_backward_query" + suffix)
                .grid(images * heads).block(THREADS)
                .pointer(op.dfolded.address()).pointer(op.dscores.address()).pointer(op.dpooled.address())
                .pointer(op.x.address()).pointer(op.weights.address()).int32(op.tokens).int32(heads).int32(d)
                .float32(op.scale);
        int rows = images * op.tokens;
        dtokens = cuda.launch("classattention", "classattention_backward_tokens" + suffix)
                .grid(cuda.blocks(rows, WARPS)).block(WARP, WARPS)
                .pointer(op.dx.address()).pointer(op.dpooled.address()).pointer(op.folded.address())
                .pointer(op.weights.address()).pointer(op.dscores.address()).int32(rows).int32(op.tokens).int32(heads)
                .int32(d);
        dq = plan(new Product(images, e, d, 1, at(op.dfolded, 0, heads * d), transposed(weight(1, 0)), 0, at(op.dq, 0, out))
                .times(new Batch(heads, d, (long) e * d, e)));
        dkeys = outer(op.q, op.dfolded, 1);
        dqueries = plan(new Product(
                out, d, images, 1, Operand.transposed(op.dq.address(), out).of(element), classTokens(op.x), 1,
                Operand.plain(gradient(0), d)));
        dqueryBias = CudaLinear.biasGradient(cuda, biasGradient(0), op.dq);
        dclass = plan(new Product(
                images, d, out, 1, at(op.dq, 0, out), plain(weight(0, 0)), 1, classTokens(op.dx)));
    }

    private Matmul plan(Product product) {
        return cuda.blas().plan(product);
    }

    /** The gradient of a part of W becomes larger by {@code a^T b}, head by head; a {@code [B, H E]}, b {@code [B, H, D]}. */
    private Matmul outer(Tensor a, Tensor b, int part) {
        return plan(new Product(
                        e, d, op.images, 1, Operand.transposed(a.address(), out).of(element), at(b, 0, heads * d), 1,
                        Operand.plain(gradient(part), d))
                .times(new Batch(heads, e, d, (long) e * d)));
    }

    private Operand classTokens(Tensor tokens) {
        return at(tokens, 0, op.tokens * d);
    }

    private Operand at(Tensor tensor, int first, int ld) {
        return Operand.plain(tensor.address() + (long) first * tensor.dtype().bytes, ld).of(element);
    }

    private Operand plain(long weight) {
        return Operand.plain(weight, d).of(element);
    }

    private Operand transposed(long weight) {
        return Operand.transposed(weight, d).of(element);
    }

    private long weight(int part, int head) {
        Tensor values = op.weight.value(op.x.dtype());
        return values.address() + (long) op.row(part, head) * d * values.dtype().bytes;
    }

    private long gradient(int part) {
        return op.weight.gradient().address() + (long) op.row(part, 0) * d * Float.BYTES;
    }

    private Epilogue bias(int part, int head) {
        Tensor values = op.bias.value(op.x.dtype());
        return Epilogue.bias(values.address() + (long) op.row(part, head) * values.dtype().bytes);
    }

    private long biasGradient(int part) {
        return op.bias.gradient().address() + (long) op.row(part, 0) * Float.BYTES;
    }

    @Override
    public void forward() {
        query.run();
        fold.run();
        attend.run();
        for (Matmul head : project) {
            head.run();
        }
    }

    @Override
    public void backward() {
        dpooled.run();
        dvalues.run();
        CudaLaunch.runAll(dvalueBias);
        dquery.run();
        dtokens.run();
        dq.run();
        dkeys.run();
        dqueries.run();
        CudaLaunch.runAll(dqueryBias);
        dclass.run();
    }
}
