package io.culvert.ops.masking;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Runs of pixels are copied: a patch's line of pixels is contiguous. */
final class CpuVisiblePatches implements OpKernel {
    private final Workers workers;
    private final VisiblePatchesOp op;
    private final int images;
    private final int kept;
    private final int places;
    private final int across;
    private final int patch;
    private final long runBytes;
    private final Workers.Range forwardTask = this::gather;
    private final Workers.Range backwardTask = this::spread;

    CpuVisiblePatches(CpuDevice cpu, VisiblePatchesOp op) {
        this.op = op;
        workers = cpu.workers();
        images = op.x.shape().at(0);
        kept = op.visible.shape().at(1);
        places = op.slots.shape().at(1);
        patch = op.patch;
        across = op.x.shape().at(2) / patch;
        runBytes = (long) patch * op.x.shape().at(3) * Float.BYTES;
    }

    /** The address of the pixels is looked up at every step: they lie where the loader left them. */
    @Override
    public void forward() {
        workers.run(images, 1, forwardTask);
    }

    @Override
    public void backward() {
        if (op.dx != null) {
            workers.run(images, 1, backwardTask);
        }
    }

    /** Where a line of the patch at a place begins in the images, bytes. */
    private long pixels(int image, int place, int line) {
        long row = ((long) image * places / across + place / across) * patch + line;
        return (row * across + place % across) * runBytes;
    }

    private void gather(int worker, int from, int to) {
        MemorySegment x = op.x.data();
        MemorySegment y = op.y.data();
        MemorySegment visible = op.visible.data();
        for (int row = from * kept; row < to * kept; row++) {
            int place = visible.getAtIndex(ValueLayout.JAVA_INT, row);
            for (int line = 0; line < patch; line++) {
                MemorySegment.copy(
                        x, pixels(row / kept, place, line), y, ((long) row * patch + line) * runBytes, runBytes);
            }
        }
    }

    private void spread(int worker, int from, int to) {
        MemorySegment dx = op.dx.data();
        MemorySegment dy = op.dy.data();
        MemorySegment slots = op.slots.data();
        for (int at = from * places; at < to * places; at++) {
            int image = at / places;
            int slot = slots.getAtIndex(ValueLayout.JAVA_INT, at);
            for (int line = 0; line < patch; line++) {
                long pixel = pixels(image, at % places, line);
                if (slot < 0) {
                    for (long i = pixel; i < pixel + runBytes; i += Float.BYTES) {
                        dx.set(ValueLayout.JAVA_FLOAT, i, 0);
                    }
                } else {
                    long row = (long) image * kept + slot;
                    MemorySegment.copy(dy, (row * patch + line) * runBytes, dx, pixel, runBytes);
                }
            }
        }
    }
}
