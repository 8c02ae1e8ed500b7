package io.culvert.ops.concat;

import io.culvert.device.cuda.CudaStream;
import io.culvert.ops.OpKernel;

/** Copies within the device. */
final class CudaConcatRows implements OpKernel {
    private final CudaStream stream;
    private final ConcatRowsOp op;

    CudaConcatRows(CudaStream stream, ConcatRowsOp op) {
        this.stream = stream;
        this.op = op;
    }

    @Override
    public void forward() {
        stream.copy(op.y.address(), op.a.address(), op.a.bytes());
        stream.copy(op.y.address() + op.a.bytes(), op.b.address(), op.b.bytes());
    }

    @Override
    public void backward() {
        if (op.da != null) {
            stream.copy(op.da.address(), op.dy.address(), op.a.bytes());
        }
        if (op.db != null) {
            stream.copy(op.db.address(), op.dy.address() + op.a.bytes(), op.b.bytes());
        }
    }
}
