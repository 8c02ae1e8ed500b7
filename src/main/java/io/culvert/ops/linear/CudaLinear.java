package io.culvert.ops.linear;

import static io.culvert.device.cuda.CublasLt.Operand.plain;
import static io.culvert.device.cuda.CublasLt.Operand.transposed;

import io.culvert.device.cuda.CublasLt;
import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.device.cuda.Element;
import io.culvert.ops.OpKernel;
import io.culvert.tensor.DType;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.Tensor;

/** Three matrix products by cuBLASLt: y = x W^T (the bias in its epilogue), dx = dy W, dW += dy^T x; db += column sums. */
public final class CudaLinear implements OpKernel {
    private static final int THREADS = 256;
    private static final int COLUMN_BYTES = 512;
    private static final int ROWS_A_BLOCK = 128;
    private static final int SUMS = 32;

    private final CublasLt.Matmul forward;
    private final CublasLt.Matmul backwardData;
    private final CublasLt.Matmul backwardWeight;
    private final CudaLaunch biasParts;
    private final CudaLaunch biasGradient;

    /**
     * Plans both halves.
     *
     * @param x {@code [..., in]}, of the type that is computed in
     * @param weight {@code [out, in]} as it is stored, whatever its axes
     * @param bias may be null
     * @param y {@code [..., out]}
     * @param dy null if there is no backward pass
     * @param dx null if nobody needs it
     */
    public CudaLinear(CudaContext cuda, Tensor x, Parameter weight, Parameter bias, Tensor y, Tensor dy, Tensor dx) {
        CublasLt blas = cuda.blas();
        int rows = x.shape().rows();
        int in = x.shape().at(-1);
        int out = y.shape().at(-1);
        DType dtype = x.dtype();
        Element element = dtype.element();
        long w = weight.value(dtype).address();
        long b = bias == null ? 0 : bias.value(dtype).address();
        forward = blas.plan(
                rows, out, in, 1, plain(x.address(), in).of(element), transposed(w, in).of(element), 0,
                plain(y.address(), out).of(element), b);
        if (dy == null) {
            backwardData = null;
            backwardWeight = null;
        } else {
            backwardData = dx == null
                    ? null
                    : blas.plan(
                            rows, in, out, 1, plain(dy.address(), out).of(element), plain(w, in).of(element), 0,
                            plain(dx.address(), in).of(element), 0);
            backwardWeight = blas.plan(
                    out, in, rows, 1, transposed(dy.address(), out).of(element), plain(x.address(), in).of(element), 1,
                    plain(weight.gradient().address(), in), 0);
        }
        if (dy == null || bias == null) {
            biasParts = null;
            biasGradient = null;
        } else {
            int columns = COLUMN_BYTES / dtype.bytes;
            int columnBlocks = (out + columns - 1) / columns;
            int parts = cuda.blocks(rows, ROWS_A_BLOCK);
            long scratch = cuda.workspace((long) parts * out * Double.BYTES);
            biasParts = cuda.launch("elementwise", "bias_backward_partial_" + dtype.suffix)
                    .grid(columnBlocks, parts, 1).block(THREADS)
                    .pointer(scratch).pointer(dy.address()).int32(rows).int32(out);
            biasGradient = cuda.launch("elementwise", "bias_backward_f32")
                    .grid((out + SUMS - 1) / SUMS).block(THREADS)
                    .pointer(bias.gradient().address()).pointer(scratch).int32(parts).int32(out);
        }
    }

    @Override
    public void forward() {
        forward.run();
    }

    @Override
    public void backward() {
        if (backwardData != null) {
            backwardData.run();
        }
        backwardWeight.run();
        if (biasParts != null) {
            biasParts.run();
            biasGradient.run();
        }
    }
}
