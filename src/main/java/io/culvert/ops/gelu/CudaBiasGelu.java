package io.culvert.ops.gelu;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.OpKernel;

/** {@code kernels/gelu.cu}. */
final class CudaBiasGelu implements OpKernel {
    private static final int THREADS = 256;
    private static final int COLUMN_BYTES = 512;
    private static final int ROWS_A_BLOCK = 128;
    private static final int SUMS = 32;

    private final CudaLaunch forward;
    private final CudaLaunch[] backward;

    CudaBiasGelu(CudaContext cuda, BiasGeluOp op) {
        int rows = op.x.shape().rows();
        int width = op.x.shape().at(-1);
        int columns = COLUMN_BYTES / op.x.dtype().bytes;
        int columnBlocks = (width + columns - 1) / columns;
        int parts = cuda.blocks(rows, ROWS_A_BLOCK);
        String suffix = op.x.dtype().suffix;
        forward = cuda.launch("gelu", "bias_gelu_forward_" + suffix).grid(columnBlocks, parts, 1).block(THREADS)
                .pointer(op.y.address()).pointer(op.x.address()).pointer(op.bias.value().address())
                .int32(rows).int32(width);
        if (op.dy == null) {
            backward = null;
            return;
        }
        long scratch = cuda.workspace((long) parts * width * Double.BYTES);
        backward = new CudaLaunch[] {
            cuda.launch("gelu", "bias_gelu_backward_" + suffix).grid(columnBlocks, parts, 1).block(THREADS)
                    .pointer(op.dx.address()).pointer(scratch).pointer(op.dy.address()).pointer(op.x.address())
                    .pointer(op.bias.value().address()).int32(rows).int32(width),
            cuda.launch("elementwise", "bias_backward_f32").grid((width + SUMS - 1) / SUMS).block(THREADS)
                    .pointer(op.bias.gradient().address()).pointer(scratch).int32(parts).int32(width)
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
