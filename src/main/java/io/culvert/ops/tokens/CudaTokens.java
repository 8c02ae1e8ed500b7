package io.culvert.ops.tokens;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.OpKernel;

/** {@code kernels/tokens.cu}. */
final class CudaTokens implements OpKernel {
    private static final int THREADS = 256;

    private final CudaLaunch forward;
    private final CudaLaunch backward;

    CudaTokens(CudaContext cuda, TokensOp op) {
        forward = cuda.launch("tokens", "tokens_forward_" + op.x.dtype().suffix)
                .grid(cuda.blocks(op.y.shape().count(), 4 * THREADS)).block(THREADS)
                .pointer(op.y.address()).pointer(op.x.address()).pointer(op.token.value().address())
                .pointer(op.position.value().address())
                .int32(op.images()).int32(op.length()).int32(op.width());
        backward = op.dy == null ? null : cuda.launch("tokens", "tokens_backward_" + op.x.dtype().suffix)
                .grid(cuda.blocks((long) op.length() * op.width(), THREADS)).block(THREADS)
                .pointer(op.dx.address()).pointer(op.token.gradient().address())
                .pointer(op.position.gradient().address()).pointer(op.dy.address())
                .int32(op.images()).int32(op.length()).int32(op.width());
    }

    @Override
    public void forward() {
        forward.run();
    }

    @Override
    public void backward() {
        backward.run();
    }
}
