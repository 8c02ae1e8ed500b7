package io.culvert.ops.bce;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.OpKernel;

/** {@code kernels/bce.cu}. */
final class CudaBceWithLogits implements OpKernel {
    private static final int THREADS = 256;

    private final CudaLaunch forward;
    private final CudaLaunch backward;

    CudaBceWithLogits(CudaContext cuda, BceWithLogitsOp op) {
        int n = op.count();
        forward = cuda.launch("bce", "bce_forward_f32").grid(1).block(THREADS)
                .pointer(op.loss().address()).pointer(op.logits.address()).pointer(op.labels.address())
                .int32(n).float32(op.positiveWeight);
        backward = op.dlogits == null
                ? null
                : cuda.launch("bce", "bce_backward_f32").grid(cuda.blocks(n, THREADS)).block(THREADS)
                        .pointer(op.dlogits.address()).pointer(op.logits.address()).pointer(op.labels.address())
                        .int32(n).float32(op.positiveWeight);
    }

    @Override
    public void forward() {
        forward.run();
    }

    @Override
    public void backward() {
        if (backward != null) {
            backward.run();
        }
    }
}
