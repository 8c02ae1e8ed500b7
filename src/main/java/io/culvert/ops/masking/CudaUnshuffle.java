package io.culvert.ops.masking;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.OpKernel;

/** {@code kernels/masking.cu}. */
final class CudaUnshuffle implements OpKernel {
    private static final int THREADS = 256;
    private static final int COLUMN_BYTES = 512;
    private static final int ROWS_A_BLOCK = 128;
    private static final int SUMS = 32;

    private final CudaLaunch forward;
    private final CudaLaunch backward;
    private final CudaLaunch maskGradient;

    CudaUnshuffle(CudaContext cuda, UnshuffleOp op) {
        String suffix = op.x.dtype().suffix;
        int width = op.width();
        forward = sizes(
                cuda.launch("masking", "unshuffle_forward_" + suffix)
                        .grid(cuda.blocks(op.y.shape().count(), 4 * THREADS)).block(THREADS)
                        .pointer(op.y.address()).pointer(op.x.address()).pointer(op.mask.value().address())
                        .pointer(op.position.address()).pointer(op.slots.address()),
                op);
        if (op.dy == null) {
            backward = null;
            maskGradient = null;
        } else {
            int columns = COLUMN_BYTES / op.x.dtype().bytes;
            int parts = cuda.blocks(op.dy.shape().rows(), ROWS_A_BLOCK);
            long scratch = cuda.workspace((long) parts * width * Double.BYTES);
            backward = sizes(
                    cuda.launch("masking", "unshuffle_backward_" + suffix)
                            .grid((width + columns - 1) / columns, parts, 1).block(THREADS)
                            .pointer(op.dx.address()).pointer(scratch).pointer(op.dy.address())
                            .pointer(op.slots.address()),
                    op);
            maskGradient = cuda.launch("elementwise", "bias_backward_f32")
                    .grid((width + SUMS - 1) / SUMS).block(THREADS)
                    .pointer(op.mask.gradient().address()).pointer(scratch).int32(parts).int32(width);
        }
    }

    private static CudaLaunch sizes(CudaLaunch launch, UnshuffleOp op) {
        return launch.int32(op.images()).int32(op.length()).int32(op.seen()).int32(op.width());
    }

    @Override
    public void forward() {
        forward.run();
    }

    @Override
    public void backward() {
        backward.run();
        maskGradient.run();
    }
}
