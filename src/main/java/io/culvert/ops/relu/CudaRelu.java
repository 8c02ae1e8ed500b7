package io.culvert.ops.relu;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.OpKernel;

/** {@code kernels/relu.cu}. */
final class CudaRelu implements OpKernel {
    private static final int THREADS = 256;

    private final CudaLaunch forward;
    private final CudaLaunch backward;

    CudaRelu(CudaContext cuda, ReluOp op) {
        int n = Math.toIntExact(op.x().shape().count());
        int blocks = cuda.blocks(n, 4 * THREADS);
        forward = cuda.launch("relu", "relu_forward_" + op.x().dtype().suffix).grid(blocks).block(THREADS)
                .pointer(op.y().address()).pointer(op.x().address()).int32(n);
        backward = op.dx() == null ? null : cuda.launch("relu", "relu_backward_" + op.x().dtype().suffix).grid(blocks).block(THREADS)
                .pointer(op.dx().address()).pointer(op.dy().address()).pointer(op.y().address()).int32(n);
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
