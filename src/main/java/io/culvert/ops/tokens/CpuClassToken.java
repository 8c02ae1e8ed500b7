package io.culvert.ops.tokens;

import io.culvert.ops.OpKernel;
import java.lang.foreign.MemorySegment;

final class CpuClassToken implements OpKernel {
    private final ClassTokenOp op;
    private final int images;
    private final long rowBytes;
    private final long imageBytes;

    CpuClassToken(ClassTokenOp op) {
        this.op = op;
        images = op.x().shape().at(0);
        rowBytes = (long) op.x().shape().at(2) * Float.BYTES;
        imageBytes = op.x().shape().at(1) * rowBytes;
    }

    @Override
    public void forward() {
        for (int n = 0; n < images; n++) {
            MemorySegment.copy(op.x().data(), n * imageBytes, op.y().data(), n * rowBytes, rowBytes);
        }
    }

    @Override
    public void backward() {
        op.dx().data().fill((byte) 0);
        for (int n = 0; n < images; n++) {
            MemorySegment.copy(op.dy().data(), n * rowBytes, op.dx().data(), n * imageBytes, rowBytes);
        }
    }
}
