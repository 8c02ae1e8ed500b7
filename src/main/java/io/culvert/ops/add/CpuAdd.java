package io.culvert.ops.add;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.Simd;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import java.lang.foreign.MemorySegment;

final class CpuAdd implements OpKernel {
    private static final int GRAIN = 4096;

    private final Workers workers;
    private final AddOp op;
    private final int count;
    private final Workers.Range task = this::add;

    CpuAdd(CpuDevice cpu, AddOp op) {
        this.op = op;
        workers = cpu.workers();
        count = Math.toIntExact(op.y.shape().count());
    }

    @Override
    public void forward() {
        workers.run(count, GRAIN, task);
    }

    @Override
    public void backward() {}

    private void add(int worker, int from, int to) {
        MemorySegment a = op.a.data();
        MemorySegment b = op.b.data();
        MemorySegment y = op.y.data();
        int i = from;
        for (; i + Simd.LANES <= to; i += Simd.LANES) {
            Simd.store(Simd.load(a, i).add(Simd.load(b, i)), y, i);
        }
        for (; i < to; i++) {
            Simd.set(y, i, Simd.get(a, i) + Simd.get(b, i));
        }
    }
}
