package io.culvert.ops.cast;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.OpKernel;
import io.culvert.tensor.Tensor;

/** {@code kernels/elementwise.cu}. */
final class CudaCast implements OpKernel {
    private static final int THREADS = 256;

    private final CudaLaunch forward;
    private final CudaLaunch backward;

    CudaCast(CudaContext cuda, CastOp op) {
        forward = cast(cuda, op.y(), op.x());
        backward = op.dx() == null ? null : cast(cuda, op.dx(), op.dy());
    }

    private static CudaLaunch cast(CudaContext cuda, Tensor to, Tensor from) {
        int n = Math.toIntExact(from.shape().count());
        return cuda.launch("elementwise", "cast_" + from.dtype().suffix + "_to_" + to.dtype().suffix)
                .grid(cuda.blocks(n, 8 * THREADS)).block(THREADS)
                .pointer(to.address()).pointer(from.address()).int32(n);
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
