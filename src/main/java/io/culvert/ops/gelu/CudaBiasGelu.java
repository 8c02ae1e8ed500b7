package io.culvert.ops.gelu;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.OpKernel;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.Tensor;

/** {@code y = gelu(x + bias)} by {@code kernels/gelu.cu}. */
public final class CudaBiasGelu implements OpKernel {
    private static final int THREADS = 256;
    private static final int COLUMN_BYTES = 512;
    private static final int ROWS_A_BLOCK = 128;
    private static final int SUMS = 32;

    private final CudaLaunch forward;
    private final CudaLaunch[] backward;

    /**
     * Takes the tensors of both halves.
     *
     * @param x {@code [..., D]}
     * @param bias {@code [D]}
     * @param y {@code [..., D]}; may be x if there is no backward pass
     * @param dx may be dy; both null if there is no backward pass
     */
    public CudaBiasGelu(CudaContext cuda, Tensor x, Parameter bias, Tensor y, Tensor dy, Tensor dx) {
        int rows = x.shape().rows();
        int width = x.shape().at(-1);
        int columns = COLUMN_BYTES / x.dtype().bytes;
        int columnBlocks = (width + columns - 1) / columns;
        int parts = cuda.blocks(rows, ROWS_A_BLOCK);
        String suffix = x.dtype().suffix;
        forward = cuda.launch("gelu", "bias_gelu_forward_" + suffix).grid(columnBlocks, parts, 1).block(THREADS)
                .pointer(y.address()).pointer(x.address()).pointer(bias.value().address())
                .int32(rows).int32(width);
        if (dy == null) {
            backward = null;
            return;
        }
        long scratch = cuda.workspace((long) parts * width * Double.BYTES);
        backward = new CudaLaunch[] {
            cuda.launch("gelu", "bias_gelu_backward_" + suffix).grid(columnBlocks, parts, 1).block(THREADS)
                    .pointer(dx.address()).pointer(scratch).pointer(dy.address()).pointer(x.address())
                    .pointer(bias.value().address()).int32(rows).int32(width),
            cuda.launch("elementwise", "bias_backward_f32").grid((width + SUMS - 1) / SUMS).block(THREADS)
                    .pointer(bias.gradient().address()).pointer(scratch).int32(parts).int32(width)
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
