package io.culvert.ops.pool;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudnnPooling;
import io.culvert.ops.OpKernel;
import io.culvert.tensor.Shape;

/** The maximum over windows by cuDNN. */
final class CudaMaxPool implements OpKernel {
    private final Runnable forward;
    private final Runnable backward;

    CudaMaxPool(CudaContext cuda, MaxPoolOp op) {
        Shape x = op.x.shape();
        CudnnPooling pooling = CudnnPooling.max(
                cuda, op.x.dtype().element(), x.at(0), x.at(1), x.at(2), x.at(3), op.kernel, op.stride, op.padding);
        forward = pooling.forward(op.y.address(), op.x.address());
        backward = op.dx == null
                ? null
                : pooling.backward(op.dx.address(), op.dy.address(), op.x.address(), op.y.address());
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
