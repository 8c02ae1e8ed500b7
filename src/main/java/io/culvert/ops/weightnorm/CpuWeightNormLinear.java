package io.culvert.ops.weightnorm;

import static io.culvert.device.cpu.Simd.get;
import static io.culvert.device.cpu.Simd.set;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import io.culvert.ops.linear.CpuLinear;
import io.culvert.ops.linear.LinearWeight;
import java.lang.foreign.MemorySegment;

/** Rows of v in double precision, then the products of any linear layer. */
final class CpuWeightNormLinear implements OpKernel {
    private static final int GRAIN = 16;

    private final Workers workers;
    private final WeightNormLinearOp op;
    private final int width;
    private final CpuLinear linear;
    private final Workers.Range forwardTask = this::scale;
    private final Workers.Range backwardTask = this::differentiate;

    CpuWeightNormLinear(CpuDevice cpu, WeightNormLinearOp op) {
        this.op = op;
        workers = cpu.workers();
        width = op.width();
        linear = new CpuLinear(cpu, op.x, new LinearWeight(op.weight, op.dweight, false), null, null, op.y, op.dy, op.dx);
    }

    @Override
    public void forward() {
        workers.run(op.rows(), GRAIN, forwardTask);
        linear.forward();
    }

    @Override
    public void backward() {
        linear.backward();
        workers.run(op.rows(), GRAIN, backwardTask);
    }

    private static double dot(MemorySegment a, MemorySegment b, long at, int width) {
        double sum = 0;
        for (int i = 0; i < width; i++) {
            sum += (double) get(a, at + i) * get(b, at + i);
        }
        return sum;
    }

    private void scale(int worker, int from, int to) {
        MemorySegment v = op.direction.value().data();
        MemorySegment w = op.weight.data();
        for (int row = from; row < to; row++) {
            long at = (long) row * width;
            double factor = get(op.length.data(), row) / Math.sqrt(dot(v, v, at, width));
            for (int i = 0; i < width; i++) {
                set(w, at + i, (float) (factor * get(v, at + i)));
            }
        }
    }

    private void differentiate(int worker, int from, int to) {
        MemorySegment v = op.direction.value().data();
        MemorySegment dv = op.direction.gradient().data();
        MemorySegment dw = op.dweight.data();
        for (int row = from; row < to; row++) {
            long at = (long) row * width;
            double squares = dot(v, v, at, width);
            double norm = Math.sqrt(squares);
            double along = dot(v, dw, at, width);
            double factor = get(op.length.data(), row) / norm;
            for (int i = 0; i < width; i++) {
                double off = get(dw, at + i) - along / squares * get(v, at + i);
                set(dv, at + i, (float) (get(dv, at + i) + factor * off));
            }
            if (op.dlength != null) {
                MemorySegment dg = op.dlength.data();
                set(dg, row, (float) (get(dg, row) + along / norm));
            }
        }
    }
}
