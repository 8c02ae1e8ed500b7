package io.culvert.ops.tokens;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

final class CpuTokenSlice implements OpKernel {
    private final Workers workers;
    private final TokenSliceOp op;
    private final int images;
    private final long imageBytes;
    private final long before;
    private final long bytes;
    private final Workers.Range forwardTask = this::copy;
    private final Workers.Range backwardTask = this::spread;

    CpuTokenSlice(CpuDevice cpu, TokenSliceOp op) {
        this.op = op;
        workers = cpu.workers();
        images = op.x().shape().at(0);
        long rowBytes = (long) op.x().shape().at(2) * Float.BYTES;
        imageBytes = op.x().shape().at(1) * rowBytes;
        before = op.first * rowBytes;
        bytes = op.count * rowBytes;
    }

    @Override
    public void forward() {
        workers.run(images, 1, forwardTask);
    }

    @Override
    public void backward() {
        workers.run(images, 1, backwardTask);
    }

    private void copy(int worker, int from, int to) {
        MemorySegment x = op.x().data();
        MemorySegment y = op.y().data();
        for (int n = from; n < to; n++) {
            MemorySegment.copy(x, n * imageBytes + before, y, n * bytes, bytes);
        }
    }

    private void spread(int worker, int from, int to) {
        MemorySegment dy = op.dy().data();
        MemorySegment dx = op.dx().data();
        for (int n = from; n < to; n++) {
            long start = n * imageBytes;
            clear(dx, start, start + before);
            MemorySegment.copy(dy, n * bytes, dx, start + before, bytes);
            clear(dx, start + before + bytes, start + imageBytes);
        }
    }

    private static void clear(MemorySegment dx, long from, long to) {
        for (long at = from; at < to; at += Float.BYTES) {
            dx.set(ValueLayout.JAVA_FLOAT, at, 0);
        }
    }
}
