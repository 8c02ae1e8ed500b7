package io.culvert.ops.conv2d;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudnnConvolution;
import io.culvert.ops.OpKernel;
import java.lang.foreign.MemorySegment;

/** Convolution by cuDNN. */
final class CudaConv2d implements OpKernel {
    private final CudnnConvolution convolution;
    private final MemorySegment x;
    private final MemorySegment y;
    private final MemorySegment weight;
    private final MemorySegment dweight;
    private final MemorySegment dy;
    private final MemorySegment dx;

    CudaConv2d(CudaContext cuda, Conv2dOp op) {
        convolution = new CudnnConvolution(cuda, op.geometry, op.dy != null);
        x = MemorySegment.ofAddress(op.x.address());
        y = MemorySegment.ofAddress(op.y.address());
        weight = MemorySegment.ofAddress(op.weight.value().address());
        dweight = MemorySegment.ofAddress(op.weight.gradient().address());
        dy = op.dy == null ? null : MemorySegment.ofAddress(op.dy.address());
        dx = op.dx == null ? null : MemorySegment.ofAddress(op.dx.address());
    }

    @Override
    public void forward() {
        convolution.forward(y, x, weight);
    }

    @Override
    public void backward() {
        if (dx != null) {
            convolution.backwardData(dx, dy, weight);
        }
        convolution.backwardFilter(dweight, x, dy);
    }
}
