package io.culvert.ops.linear;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.OneDnn;
import io.culvert.device.cpu.Simd;
import io.culvert.ops.OpKernel;
import java.lang.foreign.MemorySegment;

/** Three matrix products by oneDNN: y = x W^T, dx = dy W, dW += dy^T x. */
final class CpuLinear implements OpKernel {
    private final OneDnn dnn;
    private final LinearOp op;
    private final int rows;
    private final int in;
    private final int out;

    CpuLinear(CpuDevice cpu, LinearOp op) {
        this.op = op;
        dnn = cpu.oneDnn();
        rows = op.x.shape().rows();
        in = op.x.shape().at(-1);
        out = op.y.shape().at(-1);
    }

    /** The bias is laid into y first and the product added to it, which saves a pass over y. */
    @Override
    public void forward() {
        float beta = 0;
        if (op.bias != null) {
            MemorySegment bias = op.bias.value().data();
            MemorySegment y = op.y.data();
            for (int row = 0; row < rows; row++) {
                MemorySegment.copy(bias, 0, y, (long) row * out * Float.BYTES, (long) out * Float.BYTES);
            }
            beta = 1;
        }
        dnn.sgemm('N', 'T', rows, out, in, 1, op.x.data(), in, op.weight.value().data(), in, beta, op.y.data(), out);
    }

    @Override
    public void backward() {
        MemorySegment dy = op.dy.data();
        if (op.dx != null) {
            dnn.sgemm('N', 'N', rows, in, out, 1, dy, out, op.weight.value().data(), in, 0, op.dx.data(), in);
        }
        dnn.sgemm('T', 'N', out, in, rows, 1, dy, out, op.x.data(), in, 1, op.weight.gradient().data(), in);
        if (op.bias != null) {
            MemorySegment dbias = op.bias.gradient().data();
            for (int c = 0; c < out; c++) {
                double sum = 0;
                for (int row = 0; row < rows; row++) {
                    sum += Simd.get(dy, (long) row * out + c);
                }
                Simd.set(dbias, c, (float) (Simd.get(dbias, c) + sum));
            }
        }
    }
}
