package io.culvert.ops.add;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.RowSum;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;

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
        RowSum.add(op.a.data(), from, op.b.data(), from, op.y.data(), from, to - from);
    }
}
