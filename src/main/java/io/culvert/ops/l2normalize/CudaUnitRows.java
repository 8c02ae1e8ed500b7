package io.culvert.ops.l2normalize;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.tensor.DType;

/** {@code kernels/l2normalize.cu}, for the op and for the losses that normalise by themselves. */
public final class CudaUnitRows {
    private CudaUnitRows() {}

    /** {@code y = x / max(||x||, eps)} for each row. */
    public static CudaLaunch forward(CudaContext cuda, DType dtype, long y, long x, int rows, int width) {
        return cuda.launch("l2normalize", "l2normalize_forward_" + dtype.suffix).teams(cuda, rows, width)
                .pointer(y).pointer(x).int32(rows).int32(width);
    }

    /** {@code dx = (dy - y (y . dy)) / ||x||} for each row. */
    public static CudaLaunch backward(CudaContext cuda, DType dtype, long dx, long dy, long x, long y, int rows, int width) {
        return cuda.launch("l2normalize", "l2normalize_backward_" + dtype.suffix).teams(cuda, rows, width)
                .pointer(dx).pointer(dy).pointer(x).pointer(y).int32(rows).int32(width);
    }
}
