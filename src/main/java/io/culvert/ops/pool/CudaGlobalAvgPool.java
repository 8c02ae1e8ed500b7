package io.culvert.ops.pool;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.OpKernel;
import io.culvert.tensor.Shape;

/** {@code kernels/pool.cu}. */
final class CudaGlobalAvgPool implements OpKernel {
    private static final int THREADS = 256;

    private final CudaLaunch forward;
    private final CudaLaunch backward;

    CudaGlobalAvgPool(CudaContext cuda, GlobalAvgPoolOp op) {
        Shape x = op.x().shape();
        int pixels = x.at(1) * x.at(2);
        forward = cuda.launch("pool", "avgpool_forward_" + op.x().dtype().suffix)
                .grid(cuda.blocks(op.y().shape().count(), THREADS)).block(THREADS)
                .pointer(op.y().address()).pointer(op.x().address()).int32(x.at(0)).int32(pixels).int32(x.at(3));
        backward = op.dx() == null ? null : cuda.launch("pool", "avgpool_backward_" + op.x().dtype().suffix)
                .grid(cuda.blocks(x.count(), 4 * THREADS)).block(THREADS)
                .pointer(op.dx().address()).pointer(op.dy().address()).int32(x.at(0)).int32(pixels).int32(x.at(3));
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
