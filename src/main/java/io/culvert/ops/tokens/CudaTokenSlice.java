package io.culvert.ops.tokens;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.OpKernel;
import io.culvert.tensor.Tensor;

/** {@code kernels/tokens.cu}. */
final class CudaTokenSlice implements OpKernel {
    private static final int THREADS = 256;

    private final CudaLaunch forward;
    private final CudaLaunch backward;

    CudaTokenSlice(CudaContext cuda, TokenSliceOp op) {
        forward = launch(cuda, op, "token_slice_forward_", op.y(), op.x());
        backward = op.dx() == null ? null : launch(cuda, op, "token_slice_backward_", op.dx(), op.dy());
    }

    private static CudaLaunch launch(CudaContext cuda, TokenSliceOp op, String kernel, Tensor to, Tensor from) {
        return cuda.launch("tokens", kernel + op.x().dtype().suffix)
                .grid(cuda.blocks(to.shape().count(), 4 * THREADS)).block(THREADS)
                .pointer(to.address()).pointer(from.address())
                .int32(op.x().shape().at(0)).int32(op.x().shape().at(1)).int32(op.x().shape().at(2))
                .int32(op.first).int32(op.count);
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
