package io.culvert.ops.softmax;

import static io.culvert.device.cpu.Simd.get;
import static io.culvert.device.cpu.Simd.set;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import java.lang.foreign.MemorySegment;

final class CpuSoftmax implements OpKernel {
    private final Workers workers;
    private final SoftmaxOp op;
    private final int rows;
    private final int width;
    private final Workers.Range forwardTask = this::exponentiate;
    private final Workers.Range backwardTask = this::differentiate;

    CpuSoftmax(CpuDevice cpu, SoftmaxOp op) {
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

    private void exponentiate(int worker, int from, int to) {
        MemorySegment x = op.x().data();
        MemorySegment y = op.y().data();
        for (int row = from; row < to; row++) {
            long base = (long) row * width;
            double max = Double.NEGATIVE_INFINITY;
            for (int i = 0; i < width; i++) {
                max = Math.max(max, get(x, base + i));
            }
            double sum = 0;
            for (int i = 0; i < width; i++) {
                sum += Math.exp(get(x, base + i) - max);
            }
            for (int i = 0; i < width; i++) {
                set(y, base + i, (float) (Math.exp(get(x, base + i) - max) / sum));
            }
        }
    }

    /** {@code dx = y (dy - y . dy)}. */
    private void differentiate(int worker, int from, int to) {
        MemorySegment y = op.y().data();
        MemorySegment dy = op.dy().data();
        MemorySegment dx = op.dx().data();
        for (int row = from; row < to; row++) {
            long base = (long) row * width;
            double along = 0;
            for (int i = 0; i < width; i++) {
                along += (double) get(y, base + i) * get(dy, base + i);
            }
            for (int i = 0; i < width; i++) {
                set(dx, base + i, (float) (get(y, base + i) * (get(dy, base + i) - along)));
            }
        }
    }
}
