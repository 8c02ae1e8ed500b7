package io.culvert.ops.patchembed;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import io.culvert.ops.linear.CpuLinear;
import io.culvert.ops.linear.LinearWeight;
import java.lang.foreign.MemorySegment;

/** Runs of pixels are copied into rows (a patch's row of pixels is contiguous), then it is a linear layer. */
final class CpuPatchEmbed implements OpKernel {
    private final Workers workers;
    private final PatchEmbedOp op;
    private final CpuLinear linear;
    private final int images;
    private final int height;
    private final int width;
    private final int patch;
    private final int runBytes;
    private final Workers.Range gatherTask = this::gather;
    private final Workers.Range scatterTask = this::scatter;

    CpuPatchEmbed(CpuDevice cpu, PatchEmbedOp op) {
        this.op = op;
        workers = cpu.workers();
        images = op.x.shape().at(0);
        height = op.x.shape().at(1);
        width = op.x.shape().at(2);
        patch = op.patch;
        runBytes = patch * op.x.shape().at(3) * Float.BYTES;
        linear = new CpuLinear(cpu, op.rows, LinearWeight.of(op.weight, op.rows.dtype()), op.bias, null, op.y, op.dy, op.drows);
    }

    /** The address of the pixels is looked up at every step: they lie where the loader left them. */
    @Override
    public void forward() {
        workers.run(images * (height / patch), 1, gatherTask);
        linear.forward();
    }

    @Override
    public void backward() {
        linear.backward();
        if (op.dx != null) {
            workers.run(images * (height / patch), 1, scatterTask);
        }
    }

    private void gather(int worker, int from, int to) {
        MemorySegment x = op.x.data();
        MemorySegment rows = op.rows.data();
        int across = width / patch;
        for (int band = from; band < to; band++) {
            long base = (long) band * across * patch;
            for (int i = 0; i < patch * across; i++) {
                long row = (long) i % across * patch + i / across;
                MemorySegment.copy(x, (base + i) * runBytes, rows, (base + row) * runBytes, runBytes);
            }
        }
    }

    private void scatter(int worker, int from, int to) {
        MemorySegment dx = op.dx.data();
        MemorySegment drows = op.drows.data();
        int across = width / patch;
        for (int band = from; band < to; band++) {
            long base = (long) band * across * patch;
            for (int i = 0; i < patch * across; i++) {
                long row = (long) i % across * patch + i / across;
                MemorySegment.copy(drows, (base + row) * runBytes, dx, (base + i) * runBytes, runBytes);
            }
        }
    }
}
