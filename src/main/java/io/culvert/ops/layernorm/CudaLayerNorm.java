package io.culvert.ops.layernorm;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.OpKernel;

/** {@code kernels/layernorm.cu}. */
final class CudaLayerNorm implements OpKernel {
    private static final int WARP = 32;
    private static final int THREADS = 256;
    private static final int COLUMNS_A_THREAD = 8;
    private static final int ROWS_A_BLOCK = 16;
    private static final int WIDEST = 8192;

    private final CudaLaunch forward;
    private final CudaLaunch[] backward;

    CudaLayerNorm(CudaContext cuda, LayerNormOp op) {
        int rows = op.x.shape().rows();
        int width = op.x.shape().at(-1);
        if (width > WIDEST) {
            throw new IllegalArgumentException(op.name() + ": rows of " + width + ", the kernel takes up to " + WIDEST);
        }
        forward = cuda.launch("layernorm", "layernorm_forward_" + op.x.dtype().suffix).teams(cuda, rows, width)
                .pointer(op.y.address()).pointer(op.mean.address()).pointer(op.invStd.address())
                .pointer(op.x.address()).pointer(op.weight.value().address()).pointer(op.bias.value().address())
                .int32(rows).int32(width).float32(op.eps);
        if (op.dy == null) {
            backward = null;
            return;
        }
        int parts = cuda.blocks(rows, ROWS_A_BLOCK);
        int columns = WARP * COLUMNS_A_THREAD;
        long scratch = cuda.workspace(2L * parts * width * Float.BYTES);
        backward = new CudaLaunch[] {
            cuda.launch("layernorm", "layernorm_backward_" + op.x.dtype().suffix)
                    .grid(parts).block((width + columns - 1) / columns * WARP)
                    .pointer(op.dx.address()).pointer(scratch).pointer(op.dy.address()).pointer(op.x.address())
                    .pointer(op.other == null ? 0 : op.other.address())
                    .pointer(op.weight.value().address()).pointer(op.mean.address()).pointer(op.invStd.address())
                    .int32(rows).int32(width),
            cuda.launch("layernorm", "layernorm_backward_parameters_f32")
                    .grid((width + WARP - 1) / WARP).block(THREADS)
                    .pointer(op.weight.gradient().address()).pointer(op.bias.gradient().address()).pointer(scratch)
                    .int32(parts).int32(width)
        };
    }

    @Override
    public void forward() {
        forward.run();
    }

    @Override
    public void backward() {
        CudaLaunch.runAll(backward);
    }
}
