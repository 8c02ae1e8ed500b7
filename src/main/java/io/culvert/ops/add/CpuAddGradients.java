package io.culvert.ops.add;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.RowSum;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import io.culvert.tensor.Tensor;
import java.lang.foreign.MemorySegment;

final class CpuAddGradients implements OpKernel {
    private static final int GRAIN = 4096;

    private final Workers workers;
    private final MemorySegment sum;
    private final MemorySegment[] others;
    private final int count;
    private final Workers.Range task = this::add;

    CpuAddGradients(CpuDevice cpu, AddGradientsOp op) {
        workers = cpu.workers();
        sum = op.parts.getFirst().data();
        others = op.parts.stream().skip(1).map(Tensor::data).toArray(MemorySegment[]::new);
        count = Math.toIntExact(op.parts.getFirst().shape().count());
    }

    @Override
    public void forward() {}

    @Override
    public void backward() {
        workers.run(count, GRAIN, task);
    }

    private void add(int worker, int from, int to) {
        for (MemorySegment other : others) {
            RowSum.add(sum, from, other, from, sum, from, to - from);
        }
    }
}
