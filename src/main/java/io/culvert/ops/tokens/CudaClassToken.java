package io.culvert.ops.tokens;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.OpKernel;

/** {@code kernels/tokens.cu}. */
final class CudaClassToken implements OpKernel {
    private static final int THREADS = 256;

    private final CudaLaunch forward;
    private final CudaLaunch backward;

    CudaClassToken(CudaContext cuda, ClassTokenOp op) {
        forward = launch(cuda, op, "class_token_forward_", op.y().shape().count(), op.y().address(), op.x().address());
        backward = op.dx() == null
                ? null
                : launch(
                        cuda, op, "class_token_backward_", op.x().shape().count(), op.dx().address(),
                        op.dy().address());
    }

    private static CudaLaunch launch(CudaContext cuda, ClassTokenOp op, String kernel, long count, long to, long from) {
        return cuda.launch("tokens", kernel + op.x().dtype().suffix).grid(cuda.blocks(count, THREADS)).block(THREADS)
                .pointer(to).pointer(from)
                .int32(op.x().shape().at(0)).int32(op.x().shape().at(1)).int32(op.x().shape().at(2));
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
