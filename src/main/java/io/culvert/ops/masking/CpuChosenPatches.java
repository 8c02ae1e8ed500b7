package io.culvert.ops.masking;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Runs of pixels are copied: a patch's line of pixels is contiguous. */
final class CpuChosenPatches implements OpKernel {
    private final Workers workers;
    private final ChosenPatchesOp op;
    private final int images;
    private final int kept;
    private final int places;
    private final int across;
    private final int patch;
    private final long runBytes;
    private final Workers.Range forwardTask = this::gather;
    private final Workers.Range backwardTask = this::spread;

    CpuChosenPatches(CpuDevice cpu, ChosenPatchesOp op) {
        this.op = op;
        workers = cpu.workers();
        images = op.images();
        kept = op.chosen();
        places = op.places.slots().shape().at(1);
        patch = op.patch;
        across = op.width() / patch;
        runBytes = (long) patch * op.channels() * Float.BYTES;
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
        MemorySegment chosen = op.places.chosen().data();
        for (int row = from * kept; row < to * kept; row++) {
            int place = chosen.getAtIndex(ValueLayout.JAVA_INT, row);
            for (int line = 0; line < patch; line++) {
                MemorySegment.copy(
                        x, pixels(row / kept, place, line), y, ((long) row * patch + line) * runBytes, runBytes);
            }
        }
    }

    private void spread(int worker, int from, int to) {
        MemorySegment dx = op.dx.data();
        MemorySegment dy = op.dy.data();
        MemorySegment slots = op.places.slots().data();
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
