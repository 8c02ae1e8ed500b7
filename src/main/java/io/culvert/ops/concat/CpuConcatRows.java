package io.culvert.ops.concat;

import io.culvert.ops.OpKernel;
import java.lang.foreign.MemorySegment;

/** Copies. */
final class CpuConcatRows implements OpKernel {
    private final ConcatRowsOp op;

    CpuConcatRows(ConcatRowsOp op) {
        this.op = op;
    }

    @Override
    public void forward() {
        MemorySegment.copy(op.a.data(), 0, op.y.data(), 0, op.a.bytes());
        MemorySegment.copy(op.b.data(), 0, op.y.data(), op.a.bytes(), op.b.bytes());
    }

    @Override
    public void backward() {
        if (op.da != null) {
            MemorySegment.copy(op.dy.data(), 0, op.da.data(), 0, op.a.bytes());
        }
        if (op.db != null) {
            MemorySegment.copy(op.dy.data(), op.a.bytes(), op.db.data(), 0, op.b.bytes());
        }
    }
}
