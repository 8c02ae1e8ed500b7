package io.culvert.ops.crossentropy;

import static io.culvert.device.cpu.Simd.get;
import static io.culvert.device.cpu.Simd.set;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Row by row, in double precision. */
final class CpuCrossEntropy implements OpKernel {
    private final Workers workers;
    private final CrossEntropyOp op;
    private final int rows;
    private final int width;
    private final double[] loss;
    private final double[] max;
    private final double[] others;
    private final Workers.Range forwardTask = this::measure;
    private final Workers.Range backwardTask = this::differentiate;

    CpuCrossEntropy(CpuDevice cpu, CrossEntropyOp op) {
        this.op = op;
        workers = cpu.workers();
        rows = op.rows();
        width = op.width();
        loss = new double[rows];
        max = new double[rows];
        others = new double[rows];
    }

    @Override
    public void forward() {
        workers.run(rows, 1, forwardTask);
        double sum = 0;
        for (double row : loss) {
            sum += row;
        }
        set(op.loss().data(), 0, (float) (sum / rows));
    }

    /** The class of a row, or -1 if there is no such class. */
    private int label(int row) {
        int label = op.labels.data().get(ValueLayout.JAVA_INT, (long) row * Integer.BYTES);
        return label < width ? label : -1;
    }

    private void measure(int worker, int from, int to) {
        MemorySegment x = op.logits.data();
        for (int row = from; row < to; row++) {
            long base = (long) row * width;
            int top = 0;
            for (int k = 1; k < width; k++) {
                top = get(x, base + k) > get(x, base + top) ? k : top;
            }
            double highest = get(x, base + top);
            double sum = 0;
            for (int k = 0; k < width; k++) {
                sum += k == top ? 0 : Math.exp(get(x, base + k) - highest);
            }
            int label = label(row);
            max[row] = highest;
            others[row] = sum;
            loss[row] = label < 0 ? Double.NaN : Math.log1p(sum) + (highest - get(x, base + label));
        }
    }

    @Override
    public void backward() {
        if (op.dlogits != null) {
            workers.run(rows, 1, backwardTask);
        }
    }

    /** At the label softmax - 1 is minus the others' share: where the label has the maximum that sum is at hand. */
    private void differentiate(int worker, int from, int to) {
        MemorySegment x = op.logits.data();
        MemorySegment dx = op.dlogits.data();
        for (int row = from; row < to; row++) {
            long base = (long) row * width;
            int label = label(row);
            double share = label < 0 ? Double.NaN : 1 / (1 + others[row]);
            for (int k = 0; k < width; k++) {
                double below = get(x, base + k) - max[row];
                double g = Math.exp(below) * share;
                if (k == label) {
                    g = below == 0 ? -others[row] * share : g - 1;
                }
                set(dx, base + k, (float) (g / rows));
            }
        }
    }
}
