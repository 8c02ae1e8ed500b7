package io.culvert.ops.pool;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudnnPooling;
import io.culvert.ops.OpKernel;
import io.culvert.tensor.Shape;

/** The mean over a map by cuDNN. */
final class CudaGlobalAvgPool implements OpKernel {
    private final Runnable forward;
    private final Runnable backward;

    CudaGlobalAvgPool(CudaContext cuda, GlobalAvgPoolOp op) {
        Shape x = op.x().shape();
        CudnnPooling pooling =
                CudnnPooling.average(cuda, op.x().dtype().element(), x.at(0), x.at(1), x.at(2), x.at(3));
        forward = pooling.forward(op.y().address(), op.x().address());
        backward = op.dx() == null
                ? null
                : pooling.backward(op.dx().address(), op.dy().address(), op.x().address(), op.y().address());
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
