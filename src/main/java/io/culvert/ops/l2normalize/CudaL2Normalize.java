package io.culvert.ops.l2normalize;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.OpKernel;

final class CudaL2Normalize implements OpKernel {
    private final CudaLaunch forward;
    private final CudaLaunch backward;

    CudaL2Normalize(CudaContext cuda, L2NormalizeOp op) {
        int rows = op.x().shape().rows();
        int width = op.x().shape().at(-1);
        forward = CudaUnitRows.forward(cuda, op.x().dtype(), op.y().address(), op.x().address(), rows, width);
        backward = op.dx() == null ? null : CudaUnitRows.backward(
                cuda, op.x().dtype(), op.dx().address(), op.dy().address(), op.x().address(), op.y().address(), rows, width);
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
