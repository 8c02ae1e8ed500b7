package io.culvert.ops.masking;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.OpKernel;
import io.culvert.tensor.Tensor;

/** {@code kernels/masking.cu}. */
final class CudaVisiblePatches implements OpKernel {
    private static final int THREADS = 256;

    private final CudaLaunch forward;
    private final CudaLaunch backward;

    CudaVisiblePatches(CudaContext cuda, VisiblePatchesOp op) {
        forward = launch(cuda, op, "visible_patches_forward_", op.y, op.x, op.visible);
        backward = op.dx == null ? null : launch(cuda, op, "visible_patches_backward_", op.dx, op.dy, op.slots);
    }

    private static CudaLaunch launch(
            CudaContext cuda, VisiblePatchesOp op, String kernel, Tensor to, Tensor from, Tensor indices) {
        return cuda.launch("masking", kernel + op.x.dtype().suffix)
                .grid(cuda.blocks(to.shape().count(), 4 * THREADS)).block(THREADS)
                .pointer(to.address()).pointer(from.address()).pointer(indices.address())
                .int32(op.x.shape().at(0)).int32(op.visible.shape().at(1)).int32(op.x.shape().at(1))
                .int32(op.x.shape().at(2)).int32(op.x.shape().at(3)).int32(op.patch);
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
