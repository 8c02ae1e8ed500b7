package io.culvert.ops.mae;

import static io.culvert.device.cpu.Simd.get;
import static io.culvert.device.cpu.Simd.set;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import java.lang.foreign.MemorySegment;

/** Patch by patch in double precision: the deviations of a patch of little contrast are a difference of near numbers. */
final class CpuMae implements OpKernel {
    private final Workers workers;
    private final MaeOp op;
    private final int patches;
    private final int pixels;
    private final int across;
    private final int run;
    private final double[] mean;
    private final double[] inverse;
    private final double[] loss;
    private final Workers.Range forwardTask = this::measure;
    private final Workers.Range backwardTask = this::differentiate;
    private double removed;

    CpuMae(CpuDevice cpu, MaeOp op) {
        this.op = op;
        workers = cpu.workers();
        patches = op.patches();
        pixels = op.pixels();
        across = op.image.shape().at(2) / op.patch;
        run = op.patch * op.image.shape().at(3);
        mean = new double[patches];
        inverse = new double[patches];
        loss = new double[patches];
    }

    @Override
    public void forward() {
        workers.run(patches, 1, forwardTask);
        double sum = 0;
        removed = 0;
        for (int p = 0; p < patches; p++) {
            sum += loss[p];
            removed += get(op.mask.data(), p);
        }
        set(op.loss().data(), 0, (float) (sum / removed));
    }

    /** The first value of a row of a patch; {@link #run} values lie side by side. */
    private long rowOf(int p, int row) {
        long line = (long) (p / across) * op.patch + row; // images lie below one another
        return (line * across + p % across) * run;
    }

    private void measure(int worker, int from, int to) {
        MemorySegment image = op.image.data();
        MemorySegment pred = op.pred.data();
        for (int p = from; p < to; p++) {
            double weight = get(op.mask.data(), p);
            loss[p] = 0;
            if (weight == 0) {
                continue;
            }
            if (op.normalised) {
                standardise(image, p);
            } else {
                mean[p] = 0;
                inverse[p] = 1;
            }
            double squares = 0;
            for (int row = 0; row < op.patch; row++) {
                long x = rowOf(p, row);
                long y = (long) p * pixels + (long) row * run;
                for (int i = 0; i < run; i++) {
                    double off = get(pred, y + i) - (get(image, x + i) - mean[p]) * inverse[p];
                    squares += off * off;
                }
            }
            loss[p] = weight * squares / pixels;
        }
    }

    private void standardise(MemorySegment image, int p) {
        double sum = 0;
        for (int row = 0; row < op.patch; row++) {
            long x = rowOf(p, row);
            for (int i = 0; i < run; i++) {
                sum += get(image, x + i);
            }
        }
        double middle = sum / pixels;
        double squares = 0;
        for (int row = 0; row < op.patch; row++) {
            long x = rowOf(p, row);
            for (int i = 0; i < run; i++) {
                double off = get(image, x + i) - middle;
                squares += off * off;
            }
        }
        mean[p] = middle;
        inverse[p] = 1 / Math.sqrt(squares / (pixels - 1) + MaeOp.EPS);
    }

    @Override
    public void backward() {
        if (op.dpred != null) {
            workers.run(patches, 1, backwardTask);
        }
    }

    private void differentiate(int worker, int from, int to) {
        MemorySegment image = op.image.data();
        MemorySegment pred = op.pred.data();
        MemorySegment dpred = op.dpred.data();
        for (int p = from; p < to; p++) {
            double weight = get(op.mask.data(), p);
            double share = 2 * weight / (pixels * removed);
            for (int row = 0; row < op.patch; row++) {
                long x = rowOf(p, row);
                long y = (long) p * pixels + (long) row * run;
                for (int i = 0; i < run; i++) {
                    double g = 0;
                    if (weight != 0) {
                        g = share * (get(pred, y + i) - (get(image, x + i) - mean[p]) * inverse[p]);
                    }
                    set(dpred, y + i, (float) g);
                }
            }
        }
    }
}
