package io.culvert.ops.gelu;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.OpKernel;

/** {@code kernels/gelu.cu}. */
final class CudaGelu implements OpKernel {
    private static final int THREADS = 256;

    private final CudaLaunch forward;
    private final CudaLaunch backward;

    CudaGelu(CudaContext cuda, GeluOp op) {
        int n = Math.toIntExact(op.x().shape().count());
        int blocks = cuda.blocks(n, 4 * THREADS);
        forward = cuda.launch("gelu", "gelu_forward_" + op.x().dtype().suffix).grid(blocks).block(THREADS)
                .pointer(op.y().address()).pointer(op.x().address()).int32(n);
        backward = op.dx() == null ? null : cuda.launch("gelu", "gelu_backward_" + op.x().dtype().suffix).grid(blocks).block(THREADS)
                .pointer(op.dx().address()).pointer(op.dy().address()).pointer(op.x().address()).int32(n);
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
