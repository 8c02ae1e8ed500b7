package io.culvert.ops.byol;

import static io.culvert.device.cpu.Simd.get;
import static io.culvert.device.cpu.Simd.set;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import java.lang.foreign.MemorySegment;

/** Row by row in double precision: where prediction and target nearly agree, 2 - 2 cos has few digits left. */
final class CpuByol implements OpKernel {
    private static final double EPS = 1e-12;

    private final Workers workers;
    private final ByolOp op;
    private final int rows;
    private final int width;
    private final double[] predictionLength;
    private final double[] targetLength;
    private final double[] cosine;
    private final Workers.Range forwardTask = this::measure;
    private final Workers.Range backwardTask = this::differentiate;

    CpuByol(CpuDevice cpu, ByolOp op) {
        this.op = op;
        workers = cpu.workers();
        rows = op.prediction.shape().at(0);
        width = op.prediction.shape().at(1);
        predictionLength = new double[rows];
        targetLength = new double[rows];
        cosine = new double[rows];
    }

    @Override
    public void forward() {
        workers.run(rows, 1, forwardTask);
        double sum = 0;
        for (double c : cosine) {
            sum += 2 - 2 * c;
        }
        set(op.loss().data(), 0, (float) (sum / rows));
    }

    /** The first element of the target's row that belongs to a prediction's. */
    private long pairOf(int row) {
        return (long) (row < rows / 2 ? row + rows / 2 : row - rows / 2) * width;
    }

    private void measure(int worker, int from, int to) {
        MemorySegment p = op.prediction.data();
        MemorySegment z = op.target.data();
        for (int row = from; row < to; row++) {
            long base = (long) row * width;
            long pair = pairOf(row);
            double pp = 0;
            double zz = 0;
            double pz = 0;
            for (int i = 0; i < width; i++) {
                double a = get(p, base + i);
                double b = get(z, pair + i);
                pp += a * a;
                zz += b * b;
                pz += a * b;
            }
            predictionLength[row] = Math.max(Math.sqrt(pp), EPS);
            targetLength[row] = Math.max(Math.sqrt(zz), EPS);
            cosine[row] = pz / (predictionLength[row] * targetLength[row]);
        }
    }

    @Override
    public void backward() {
        if (op.dprediction != null) {
            workers.run(rows, 1, backwardTask);
        }
    }

    /** {@code dp = -2 (z / |z| - cos p / |p|) / |p| / rows}; a length that was raised to eps is a constant. */
    private void differentiate(int worker, int from, int to) {
        MemorySegment p = op.prediction.data();
        MemorySegment z = op.target.data();
        for (int row = from; row < to; row++) {
            long base = (long) row * width;
            long pair = pairOf(row);
            double share = -2 / (predictionLength[row] * rows);
            double ofTarget = share / targetLength[row];
            double ofItself = predictionLength[row] > EPS ? share * cosine[row] / predictionLength[row] : 0;
            for (int i = 0; i < width; i++) {
                set(op.dprediction.data(), base + i, (float) (ofTarget * get(z, pair + i) - ofItself * get(p, base + i)));
            }
        }
    }
}
