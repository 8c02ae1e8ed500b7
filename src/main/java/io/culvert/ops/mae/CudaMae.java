package io.culvert.ops.mae;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.OpKernel;

/** {@code kernels/mae.cu}. */
final class CudaMae implements OpKernel {
    private static final int THREADS = 256;

    private final CudaLaunch forward;
    private final CudaLaunch mean;
    private final CudaLaunch backward;

    CudaMae(CudaContext cuda, MaeOp op) {
        int patches = op.patches();
        forward = sizes(
                cuda.launch("mae", "mae_forward_f32").teams(cuda, patches, op.pixels())
                        .pointer(op.patchLoss.address()).pointer(op.pred.address()).pointer(op.image.address())
                        .pointer(op.mask.address()),
                op);
        mean = cuda.launch("mae", "mae_mean_f32").grid(1).block(THREADS)
                .pointer(op.loss().address()).pointer(op.removed.address()).pointer(op.patchLoss.address())
                .pointer(op.mask.address()).int32(patches);
        backward = op.dpred == null
                ? null
                : sizes(
                        cuda.launch("mae", "mae_backward_f32").teams(cuda, patches, op.pixels())
                                .pointer(op.dpred.address()).pointer(op.pred.address()).pointer(op.image.address())
                                .pointer(op.mask.address()).pointer(op.removed.address()),
                        op);
    }

    private static CudaLaunch sizes(CudaLaunch launch, MaeOp op) {
        return launch.int32(op.patches()).int32(op.image.shape().at(2) / op.patch).int32(op.patch)
                .int32(op.image.shape().at(3)).int32(op.normalised ? 1 : 0);
    }

    @Override
    public void forward() {
        forward.run();
        mean.run();
    }

    @Override
    public void backward() {
        if (backward != null) {
            backward.run();
        }
    }
}
