package io.culvert.ops.ranks;

import static io.culvert.device.cpu.Simd.get;
import static io.culvert.device.cpu.Simd.set;

import io.culvert.device.CpuDevice;
import io.culvert.device.CpuGroup;
import io.culvert.ops.OpKernel;
import java.lang.foreign.MemorySegment;

/** View by view through the memory that the ranks share. */
final class CpuGatherRows implements OpKernel {
    private final CpuGroup group;
    private final GatherRowsOp op;
    private final MemorySegment[] from;
    private final MemorySegment[] to;

    CpuGatherRows(CpuDevice cpu, GatherRowsOp op) {
        this.op = op;
        group = cpu.group();
        from = new MemorySegment[op.views];
        to = new MemorySegment[op.views];
        for (int view = 0; view < op.views; view++) {
            from[view] = op.x.data().asSlice(view * op.blockBytes(), op.blockBytes());
            to[view] = op.y.data().asSlice(op.offset(view, 0), op.ranks * op.blockBytes());
        }
    }

    @Override
    public void forward() {
        for (int view = 0; view < op.views; view++) {
            group.gather(from[view], to[view]);
        }
    }

    @Override
    public void backward() {
        if (op.dx == null) {
            return;
        }
        MemorySegment dy = op.dy.data();
        MemorySegment dx = op.dx.data();
        long block = op.blockBytes() / Float.BYTES;
        for (int view = 0; view < op.views; view++) {
            long first = op.offset(view, group.rank()) / Float.BYTES;
            for (long i = 0; i < block; i++) {
                set(dx, view * block + i, op.ranks * get(dy, first + i));
            }
        }
    }
}
