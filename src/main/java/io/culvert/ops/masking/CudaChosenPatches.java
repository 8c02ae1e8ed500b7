package io.culvert.ops.masking;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.OpKernel;
import io.culvert.tensor.Tensor;

/** {@code kernels/masking.cu}. */
final class CudaChosenPatches implements OpKernel {
    private static final int THREADS = 256;

    private final CudaLaunch forward;
    private final CudaLaunch backward;

    CudaChosenPatches(CudaContext cuda, ChosenPatchesOp op) {
        forward = launch(cuda, op, "visible_patches_forward_", op.y, op.x, op.places.chosen());
        backward = op.dx == null ? null : launch(cuda, op, "visible_patches_backward_", op.dx, op.dy, op.places.slots());
    }

    private static CudaLaunch launch(
            CudaContext cuda, ChosenPatchesOp op, String kernel, Tensor to, Tensor from, Tensor indices) {
        return cuda.launch("masking", kernel + op.x.dtype().suffix)
                .grid(cuda.blocks(to.shape().count(), 4 * THREADS)).block(THREADS)
                .pointer(to.address()).pointer(from.address()).pointer(indices.address())
                .int32(op.images()).int32(op.chosen()).int32(op.height())
                .int32(op.width()).int32(op.channels()).int32(op.patch);
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
