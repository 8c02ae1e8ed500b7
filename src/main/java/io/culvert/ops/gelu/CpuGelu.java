package io.culvert.ops.gelu;

import static io.culvert.device.cpu.Simd.get;
import static io.culvert.device.cpu.Simd.set;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;

final class CpuGelu implements OpKernel {
    private static final int GRAIN = 1024;

    private final Workers workers;
    private final GeluOp op;
    private final int count;
    private final Workers.Range forwardTask = this::activate;
    private final Workers.Range backwardTask = this::differentiate;

    CpuGelu(CpuDevice cpu, GeluOp op) {
        this.op = op;
        workers = cpu.workers();
        count = Math.toIntExact(op.x().shape().count());
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
        for (int i = from; i < to; i++) {
            double x = get(op.x().data(), i);
            set(op.y().data(), i, (float) (x * NormalDistribution.below(x)));
        }
    }

    /** {@code dx = dy (Phi(x) + x phi(x))}. */
    private void differentiate(int worker, int from, int to) {
        for (int i = from; i < to; i++) {
            double x = get(op.x().data(), i);
            double slope = NormalDistribution.below(x) + x * NormalDistribution.density(x);
            set(op.dx().data(), i, (float) (get(op.dy().data(), i) * slope));
        }
    }
}
