package io.culvert.ops.masking;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.ColumnTotals;
import io.culvert.device.cpu.RowSum;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

final class CpuUnshuffle implements OpKernel {
    private final Workers workers;
    private final UnshuffleOp op;
    private final int images;
    private final int length;
    private final int seen;
    private final int width;
    private final ColumnTotals dmask;
    private final Workers.Range forwardTask = this::scatter;
    private final Workers.Piece backwardTask = this::collect;

    CpuUnshuffle(CpuDevice cpu, UnshuffleOp op) {
        this.op = op;
        workers = cpu.workers();
        images = op.images();
        length = op.length();
        seen = op.seen();
        width = op.width();
        dmask = new ColumnTotals(workers, width);
    }

    @Override
    public void forward() {
        workers.run(images, 1, forwardTask);
    }

    @Override
    public void backward() {
        dmask.clear();
        workers.run(images, 1, backwardTask);
        dmask.addTo(op.mask.gradient().data());
    }

    /** The token of x that goes to a place of an image; 0, the class token's, where a mask token goes instead. */
    private int source(int image, int place) {
        long index = (long) image * (length - 1) + place - 1;
        return place == 0 ? 0 : 1 + op.slots.data().getAtIndex(ValueLayout.JAVA_INT, index);
    }

    private void scatter(int worker, int from, int to) {
        MemorySegment x = op.x.data();
        MemorySegment y = op.y.data();
        MemorySegment mask = op.mask.value().data();
        MemorySegment position = op.position.data();
        for (int n = from; n < to; n++) {
            for (int place = 0; place < length; place++) {
                int source = source(n, place);
                long p = (long) place * width;
                long at = ((long) n * length + place) * width;
                if (place > 0 && source == 0) {
                    RowSum.add(mask, 0, position, p, y, at, width);
                } else {
                    RowSum.add(x, ((long) n * seen + source) * width, position, p, y, at, width);
                }
            }
        }
    }

    private void collect(int worker, int piece, int from, int to) {
        MemorySegment dy = op.dy.data();
        MemorySegment dx = op.dx.data();
        long bytes = (long) width * Float.BYTES;
        for (int n = from; n < to; n++) {
            int pending = 0;
            for (int place = 0; place < length; place++) {
                int source = source(n, place);
                long at = (long) n * length + place;
                if (place > 0 && source == 0) {
                    dmask.addRow(dy, at * width, worker);
                    if (++pending == ColumnTotals.TILE) {
                        dmask.flush(worker, piece);
                        pending = 0;
                    }
                } else {
                    MemorySegment.copy(dy, at * bytes, dx, ((long) n * seen + source) * bytes, bytes);
                }
            }
            dmask.flush(worker, piece);
        }
    }
}
