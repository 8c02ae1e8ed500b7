package io.culvert.ops.l2normalize;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;

/** {@code kernels/l2normalize.cu}, for the op and for the losses that normalise by themselves. */
public final class CudaUnitRows {
    private static final int WARP = 32;
    private static final int WARPS = 8;

    /** Up to here a warp takes a row, beyond it a block does. */
    private static final int WIDEST_FOR_A_WARP = 1024;

    private CudaUnitRows() {}

    /** {@code y = x / max(||x||, eps)} for each row. */
    public static CudaLaunch forward(CudaContext cuda, long y, long x, int rows, int width) {
        return shape(cuda, cuda.launch("l2normalize", "l2normalize_forward_f32"), rows, width)
                .pointer(y).pointer(x).int32(rows).int32(width);
    }

    /** {@code dx = (dy - y (y . dy)) / ||x||} for each row. */
    public static CudaLaunch backward(CudaContext cuda, long dx, long dy, long x, long y, int rows, int width) {
        return shape(cuda, cuda.launch("l2normalize", "l2normalize_backward_f32"), rows, width)
                .pointer(dx).pointer(dy).pointer(x).pointer(y).int32(rows).int32(width);
    }

    private static CudaLaunch shape(CudaContext cuda, CudaLaunch launch, int rows, int width) {
        return width <= WIDEST_FOR_A_WARP
                ? launch.grid(cuda.blocks(rows, WARPS)).block(WARP, WARPS)
                : launch.grid(cuda.blocks(rows, 1)).block(WARP * WARPS);
    }
}
