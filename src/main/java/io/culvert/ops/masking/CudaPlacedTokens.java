package io.culvert.ops.masking;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.OpKernel;

/** {@code kernels/masking.cu}. */
final class CudaPlacedTokens implements OpKernel {
    private static final int THREADS = 256;

    private final CudaLaunch forward;
    private final CudaLaunch backward;

    CudaPlacedTokens(CudaContext cuda, PlacedTokensOp op) {
        String suffix = op.x.dtype().suffix;
        forward = cuda.launch("masking", "placed_tokens_forward_" + suffix)
                .grid(cuda.blocks(op.y.shape().count(), 4 * THREADS)).block(THREADS)
                .pointer(op.y.address()).pointer(op.x.address()).pointer(op.token.value().address())
                .pointer(op.position.address()).pointer(op.visible == null ? 0 : op.visible.address())
                .int32(op.images()).int32(op.length()).int32(op.width());
        backward = op.dy == null ? null : cuda.launch("masking", "placed_tokens_backward_" + suffix)
                .grid(cuda.blocks((long) op.length() * op.width(), THREADS)).block(THREADS)
                .pointer(op.dx.address()).pointer(op.token.gradient().address()).pointer(op.dy.address())
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
