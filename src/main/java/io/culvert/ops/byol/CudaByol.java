package io.culvert.ops.byol;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.CudaSum;
import io.culvert.ops.OpKernel;

/** {@code kernels/byol.cu}. */
final class CudaByol implements OpKernel {
    private final CudaLaunch forward;
    private final CudaLaunch sum;
    private final CudaLaunch backward;

    CudaByol(CudaContext cuda, ByolOp op) {
        int rows = op.prediction.shape().at(0);
        int width = op.prediction.shape().at(1);
        forward = cuda.launch("byol", "byol_forward_f32").teams(cuda, rows, width)
                .pointer(op.rowLoss.address()).pointer(op.prediction.address()).pointer(op.target.address())
                .int32(rows).int32(width);
        sum = CudaSum.of(cuda, op.loss().address(), op.rowLoss.address(), rows, 1.0 / rows);
        backward = op.dprediction == null
                ? null
                : cuda.launch("byol", "byol_backward_f32").teams(cuda, rows, width)
                        .pointer(op.dprediction.address()).pointer(op.prediction.address())
                        .pointer(op.target.address()).int32(rows).int32(width);
    }

    @Override
    public void forward() {
        forward.run();
        sum.run();
    }

    @Override
    public void backward() {
        if (backward != null) {
            backward.run();
        }
    }
}
