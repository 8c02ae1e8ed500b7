package io.culvert.ops.l2normalize;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;

final class CpuL2Normalize implements OpKernel {
    private final Workers workers;
    private final L2NormalizeOp op;
    private final int rows;
    private final int width;
    private final Workers.Range forwardTask = this::normalise;
    private final Workers.Range backwardTask = this::differentiate;

    CpuL2Normalize(CpuDevice cpu, L2NormalizeOp op) {
        this.op = op;
        workers = cpu.workers();
        rows = op.x().shape().rows();
        width = op.x().shape().at(-1);
    }

    @Override
    public void forward() {
        workers.run(rows, 1, forwardTask);
    }

    @Override
    public void backward() {
        workers.run(rows, 1, backwardTask);
    }

    private void normalise(int worker, int from, int to) {
        for (int row = from; row < to; row++) {
            UnitRows.normalise(op.x().data(), op.y().data(), (long) row * width, width);
        }
    }

    private void differentiate(int worker, int from, int to) {
        for (int row = from; row < to; row++) {
            UnitRows.differentiate(op.x().data(), op.y().data(), op.dy().data(), op.dx().data(), (long) row * width, width);
        }
    }
}
