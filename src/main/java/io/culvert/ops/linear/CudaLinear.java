package io.culvert.ops.linear;

import static io.culvert.device.cuda.CublasLt.Operand.plain;
import static io.culvert.device.cuda.CublasLt.Operand.transposed;

import io.culvert.device.cuda.CublasLt;
import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.device.cuda.Element;
import io.culvert.ops.OpKernel;
import io.culvert.tensor.DType;

/** Three matrix products by cuBLASLt: y = x W^T (the bias in its epilogue), dx = dy W, dW += dy^T x; db += column sums. */
final class CudaLinear implements OpKernel {
    private static final int THREADS = 256;
    private static final int COLUMN_BYTES = 512;
    private static final int ROWS_A_BLOCK = 128;
    private static final int SUMS = 32;

    private final CublasLt.Matmul forward;
    private final CublasLt.Matmul backwardData;
    private final CublasLt.Matmul backwardWeight;
    private final CudaLaunch biasParts;
    private final CudaLaunch biasGradient;

    CudaLinear(CudaContext cuda, LinearOp op) {
        CublasLt blas = cuda.blas();
        int rows = op.x.shape().rows();
        int in = op.x.shape().at(-1);
        int out = op.y.shape().at(-1);
        long x = op.x.address();
        DType dtype = op.x.dtype();
        Element element = dtype.element();
        long weight = op.weight.value(dtype).address();
        long bias = op.bias == null ? 0 : op.bias.value(dtype).address();
        forward = blas.plan(
                rows, out, in, 1, plain(x, in).of(element), transposed(weight, in).of(element), 0,
                plain(op.y.address(), out).of(element), bias);
        if (op.dy == null) {
            backwardData = null;
            backwardWeight = null;
        } else {
            long dy = op.dy.address();
            backwardData = op.dx == null
                    ? null
                    : blas.plan(
                            rows, in, out, 1, plain(dy, out).of(element), plain(weight, in).of(element), 0,
                            plain(op.dx.address(), in).of(element), 0);
            backwardWeight = blas.plan(
                    out, in, rows, 1, transposed(dy, out).of(element), plain(x, in).of(element), 1,
                    plain(op.weight.gradient().address(), in), 0);
        }
        if (op.dy == null || op.bias == null) {
            biasParts = null;
            biasGradient = null;
        } else {
            int columns = COLUMN_BYTES / dtype.bytes;
            int columnBlocks = (out + columns - 1) / columns;
            int parts = cuda.blocks(rows, ROWS_A_BLOCK);
            long scratch = cuda.workspace((long) parts * out * Double.BYTES);
            biasParts = cuda.launch("elementwise", "bias_backward_partial_" + dtype.suffix)
                    .grid(columnBlocks, parts, 1).block(THREADS)
                    .pointer(scratch).pointer(op.dy.address()).int32(rows).int32(out);
            biasGradient = cuda.launch("elementwise", "bias_backward_f32")
                    .grid((out + SUMS - 1) / SUMS).block(THREADS)
                    .pointer(op.bias.gradient().address()).pointer(scratch).int32(parts).int32(out);
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
