package io.culvert.ops.tokens;

import static io.culvert.device.cuda.CublasLt.Operand.plain;
import static io.culvert.device.cuda.CublasLt.Operand.transposed;

import io.culvert.device.cuda.CublasLt;
import io.culvert.device.cuda.CublasLt.Product;
import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaFloats;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.device.cuda.CudaStream;
import io.culvert.ops.OpKernel;

/** {@code kernels/tokens.cu}. */
final class CudaTokens implements OpKernel {
    private static final int THREADS = 256;

    private final CudaStream stream;
    private final TokensOp op;
    private final CudaLaunch forward;
    private final CudaLaunch backward;
    private final CublasLt.Matmul resample;
    private final CublasLt.Matmul distribute;

    CudaTokens(CudaContext cuda, TokensOp op) {
        this.op = op;
        stream = cuda.stream();
        forward = cuda.launch("tokens", "tokens_forward_" + op.x.dtype().suffix)
                .grid(cuda.blocks(op.y.shape().count(), 4 * THREADS)).block(THREADS)
                .pointer(op.y.address()).pointer(op.x.address()).pointer(op.token.value().address())
                .pointer(op.positions().address())
                .int32(op.images()).int32(op.length()).int32(op.width());
        backward = op.dy == null ? null : cuda.launch("tokens", "tokens_backward_" + op.x.dtype().suffix)
                .grid(cuda.blocks((long) op.length() * op.width(), THREADS)).block(THREADS)
                .pointer(op.dx.address()).pointer(op.token.gradient().address())
                .pointer(op.dpositions().address()).pointer(op.dy.address())
                .int32(op.images()).int32(op.length()).int32(op.width());
        if (op.resampling == null) {
            resample = null;
            distribute = null;
        } else {
            int from = op.resampling.from();
            int to = op.resampling.to();
            int width = op.width();
            CudaFloats matrix = new CudaFloats(cuda, "resampling of positions", from * to);
            matrix.send(op.resampling.matrix());
            resample = cuda.blas().plan(new Product(
                    to, width, from, 1, plain(matrix.address(), from), plain(op.position.value().address(), width), 0,
                    plain(op.resampled.address(), width)));
            distribute = op.dy == null ? null : cuda.blas().plan(new Product(
                    from, width, to, 1, transposed(matrix.address(), from), plain(op.dresampled.address(), width), 1,
                    plain(op.position.gradient().address(), width)));
        }
    }

    @Override
    public void forward() {
        if (resample != null) {
            resample.run();
        }
        forward.run();
    }

    @Override
    public void backward() {
        if (distribute == null) {
            backward.run();
            return;
        }
        stream.zero(op.dresampled.address(), op.dresampled.bytes());
        backward.run();
        distribute.run();
    }
}
