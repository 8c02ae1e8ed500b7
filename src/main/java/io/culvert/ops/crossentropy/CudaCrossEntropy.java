package io.culvert.ops.crossentropy;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import io.culvert.ops.CudaSum;
import io.culvert.ops.OpKernel;

/** {@code kernels/crossentropy.cu}. */
final class CudaCrossEntropy implements OpKernel {
    private final CudaLaunch forward;
    private final CudaLaunch sum;
    private final CudaLaunch backward;

    CudaCrossEntropy(CudaContext cuda, CrossEntropyOp op) {
        int rows = op.rows();
        int width = op.width();
        long rowLoss = op.saved.address();
        long max = rowLoss + (long) rows * Float.BYTES;
        long others = max + (long) rows * Float.BYTES;
        forward = cuda.launch("crossentropy", "crossentropy_forward_f32").teams(cuda, rows, width)
                .pointer(rowLoss).pointer(max).pointer(others).pointer(op.logits.address()).pointer(op.labels.address())
                .int32(rows).int32(width);
        sum = CudaSum.of(cuda, op.loss().address(), rowLoss, rows, 1.0 / rows);
        backward = op.dlogits == null
                ? null
                : cuda.launch("crossentropy", "crossentropy_backward_f32").teams(cuda, rows, width)
                        .pointer(op.dlogits.address()).pointer(op.logits.address()).pointer(op.labels.address())
                        .pointer(max).pointer(others).int32(rows).int32(width);
    }

    @Override
    public void forward() {
        forward.run();
        sum.run();
    }

    @Override
    public void backward() {
        if (backward != null) {
            backward.run();
        }
    }
}
