package io.culvert.ops.pool;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.OpKernel;
import io.culvert.tensor.Shape;

/** {@code kernels/pool.cu}. */
final class CudaMaxPool implements OpKernel {
    private static final int THREADS = 256;

    private final MaxPoolOp op;
    private final CudaLaunch forward;
    private final CudaLaunch backward;

    CudaMaxPool(CudaContext cuda, MaxPoolOp op) {
        this.op = op;
        forward = geometry(cuda.launch("pool", "maxpool_forward_" + op.x.dtype().suffix)
                .grid(cuda.blocks(op.y.shape().count(), 4 * THREADS)).block(THREADS)
                .pointer(op.y.address()).pointer(op.winner.address()).pointer(op.x.address()));
        backward = op.dx == null ? null : geometry(cuda.launch("pool", "maxpool_backward_" + op.x.dtype().suffix)
                .grid(cuda.blocks(op.x.shape().count(), 4 * THREADS)).block(THREADS)
                .pointer(op.dx.address()).pointer(op.dy.address()).pointer(op.winner.address()));
    }

    private CudaLaunch geometry(CudaLaunch launch) {
        Shape x = op.x.shape();
        Shape y = op.y.shape();
        return launch.int32(x.at(0)).int32(x.at(1)).int32(x.at(2)).int32(x.at(3)).int32(y.at(1)).int32(y.at(2))
                .int32(op.kernel).int32(op.stride).int32(op.padding);
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
