package io.culvert.ops.softmax;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.OpKernel;

/** {@code kernels/softmax.cu}. */
final class CudaSoftmax implements OpKernel {
    private final CudaLaunch forward;
    private final CudaLaunch backward;

    CudaSoftmax(CudaContext cuda, SoftmaxOp op) {
        int rows = op.x().shape().rows();
        int width = op.x().shape().at(-1);
        forward = cuda.launch("softmax", "softmax_forward_" + op.x().dtype().suffix).teams(cuda, rows, width)
                .pointer(op.y().address()).pointer(op.x().address()).int32(rows).int32(width);
        backward = op.dx() == null ? null : cuda.launch("softmax", "softmax_backward_" + op.x().dtype().suffix).teams(cuda, rows, width)
                .pointer(op.dx().address()).pointer(op.dy().address()).pointer(op.y().address())
                .int32(rows).int32(width);
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
