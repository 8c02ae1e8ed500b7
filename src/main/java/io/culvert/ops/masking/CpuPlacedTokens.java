package io.culvert.ops.masking;

import static io.culvert.device.cpu.Simd.get;
import static io.culvert.device.cpu.Simd.set;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.RowSum;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

final class CpuPlacedTokens implements OpKernel {
    private final Workers workers;
    private final PlacedTokensOp op;
    private final int images;
    private final int length;
    private final int width;
    private final Workers.Range forwardTask = this::place;
    private final Workers.Range backwardTask = this::copy;

    CpuPlacedTokens(CpuDevice cpu, PlacedTokensOp op) {
        this.op = op;
        workers = cpu.workers();
        images = op.images();
        length = op.length();
        width = op.width();
    }

    @Override
    public void forward() {
        workers.run(images, 1, forwardTask);
    }

    @Override
    public void backward() {
        workers.run(images, 1, backwardTask);
        MemorySegment dtoken = op.token.gradient().data();
        MemorySegment dy = op.dy.data();
        for (int d = 0; d < width; d++) {
            double sum = get(dtoken, d);
            for (int n = 0; n < images; n++) {
                sum += get(dy, (long) n * length * width + d);
            }
            set(dtoken, d, (float) sum);
        }
    }

    private void place(int worker, int from, int to) {
        MemorySegment x = op.x.data();
        MemorySegment y = op.y.data();
        MemorySegment position = op.position.data();
        for (int n = from; n < to; n++) {
            long start = (long) n * length;
            RowSum.add(op.token.value().data(), 0, position, 0, y, start * width, width);
            for (int i = 1; i < length; i++) {
                // Before the patches of this image lie those of n others, without class tokens.
                long patch = start + i - (n + 1);
                long at = op.visible == null ? i : 1 + op.visible.data().getAtIndex(ValueLayout.JAVA_INT, patch);
                RowSum.add(x, patch * width, position, at * width, y, (start + i) * width, width);
            }
        }
    }

    private void copy(int worker, int from, int to) {
        long bytes = (length - 1L) * width * Float.BYTES;
        long token = (long) width * Float.BYTES;
        for (int n = from; n < to; n++) {
            MemorySegment.copy(op.dy.data(), n * (bytes + token) + token, op.dx.data(), n * bytes, bytes);
        }
    }
}
