package io.culvert.ops.conv2d;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudnnConvolution;
import io.culvert.ops.OpKernel;
import io.culvert.tensor.DType;

/** Convolution by cuDNN. */
final class CudaConv2d implements OpKernel {
    private final CudnnConvolution convolution;
    private final boolean propagates;

    CudaConv2d(CudaContext cuda, Conv2dOp op) {
        DType dtype = op.x.dtype();
        long weight = op.weight.value(dtype).address();
        propagates = op.dx != null;
        convolution = new CudnnConvolution(
                cuda, op.geometry, dtype.element(), op.y.address(), op.x.address(), weight);
        if (propagates) {
            convolution.planBackwardData(op.dx.address(), op.dy.address(), weight);
        }
        if (op.dy != null) {
            convolution.planBackwardFilter(op.weight.gradient().address(), op.x.address(), op.dy.address());
        }
    }

    @Override
    public void forward() {
        convolution.forward();
    }

    @Override
    public void backward() {
        if (propagates) {
            convolution.backwardData();
        }
        convolution.backwardFilter();
    }
}
