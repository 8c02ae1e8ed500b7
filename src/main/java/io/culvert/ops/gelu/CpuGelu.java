package io.culvert.ops.gelu;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import java.util.Arrays;

final class CpuGelu implements OpKernel {
    private static final int GRAIN = 1024;

    private final Workers workers;
    private final GeluOp op;
    private final int count;
    private final GeluRun[] runs;
    private final Workers.Range forwardTask = this::activate;
    private final Workers.Range backwardTask = this::differentiate;

    CpuGelu(CpuDevice cpu, GeluOp op) {
        this.op = op;
        workers = cpu.workers();
        count = Math.toIntExact(op.x().shape().count());
        runs = new GeluRun[workers.threads()];
        Arrays.setAll(runs, worker -> new GeluRun(cpu.oneDnn().workspace(worker), GRAIN));
    }

    @Override
    public void forward() {
        workers.run(count, GRAIN, forwardTask);
    }

    @Override
    public void backward() {
        workers.run(count, GRAIN, backwardTask);
    }

    private void activate(int worker, int from, int to) {
        GeluRun run = runs[worker];
        for (int at = from; at < to; at += GRAIN) {
            int length = Math.min(GRAIN, to - at);
            run.values(op.x().data(), at, op.y().data(), at, length);
        }
    }

    private void differentiate(int worker, int from, int to) {
        GeluRun run = runs[worker];
        for (int at = from; at < to; at += GRAIN) {
            int length = Math.min(GRAIN, to - at);
            run.gradients(op.x().data(), op.dy().data(), op.dx().data(), at, length);
        }
    }
}
