package io.culvert.ops.weightnorm;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.OpKernel;
import io.culvert.ops.linear.CudaLinear;
import io.culvert.ops.linear.LinearWeight;

/** {@code kernels/weightnorm.cu} before and after the products of any linear layer. */
final class CudaWeightNormLinear implements OpKernel {
    private final CudaLinear linear;
    private final CudaLaunch forward;
    private final CudaLaunch backward;

    CudaWeightNormLinear(CudaContext cuda, WeightNormLinearOp op) {
        int rows = op.rows();
        int width = op.width();
        linear = new CudaLinear(cuda, op.x, new LinearWeight(op.weight, op.dweight, false), null, null, op.y, op.dy, op.dx);
        forward = cuda.launch("weightnorm", "weight_norm_forward_" + op.weight.dtype().suffix).teams(cuda, rows, width)
                .pointer(op.weight.address()).pointer(op.direction.value().address()).pointer(op.length.address())
                .int32(rows).int32(width);
        backward = op.dy == null ? null : cuda.launch("weightnorm", "weight_norm_backward_f32").teams(cuda, rows, width)
                .pointer(op.direction.gradient().address()).pointer(op.dlength == null ? 0 : op.dlength.address())
                .pointer(op.dweight.address()).pointer(op.direction.value().address()).pointer(op.length.address())
                .int32(rows).int32(width);
    }

    @Override
    public void forward() {
        forward.run();
        linear.forward();
    }

    @Override
    public void backward() {
        linear.backward();
        backward.run();
    }
}
