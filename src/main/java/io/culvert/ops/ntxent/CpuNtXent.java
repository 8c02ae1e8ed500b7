package io.culvert.ops.ntxent;

import static io.culvert.device.cpu.Simd.BYTES;
import static io.culvert.device.cpu.Simd.F;
import static io.culvert.device.cpu.Simd.LANES;
import static io.culvert.device.cpu.Simd.NATIVE;
import static io.culvert.device.cpu.Simd.get;
import static io.culvert.device.cpu.Simd.set;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.OneDnn;
import io.culvert.device.cpu.Simd;
import io.culvert.device.cpu.SimdMath;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import io.culvert.ops.l2normalize.UnitRows;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** NT-Xent on the CPU: similarities as one matrix product, a softmax row by row, two products back. */
final class CpuNtXent implements OpKernel {
    private final Workers workers;
    private final OneDnn dnn;
    private final NtXentOp op;
    private final int rows;
    private final int width;
    private final double[] rowLoss;
    /** Of e, a row for each worker. */
    private final float[][] powers;

    private final Workers.Range normaliseTask = this::normalise;
    private final Workers.Range softmaxTask = this::softmax;
    private final Workers.Range gradientTask = this::gradient;

    CpuNtXent(CpuDevice cpu, NtXentOp op) {
        this.op = op;
        workers = cpu.workers();
        dnn = cpu.oneDnn();
        rows = op.z.shape().at(0);
        width = op.z.shape().at(1);
        rowLoss = new double[rows];
        powers = new float[workers.threads()][Simd.bound(rows + LANES - 1)];
    }

    @Override
    public void forward() {
        workers.run(rows, 1, normaliseTask);
        MemorySegment unit = op.unit.data();
        float scale = (float) (1 / op.temperature);
        dnn.sgemm('N', 'T', rows, rows, width, scale, unit, width, unit, width, 0, op.saved.data(), rows);
        workers.run(rows, 1, softmaxTask);
        double sum = 0;
        for (double loss : rowLoss) {
            sum += loss;
        }
        set(op.loss.data(), 0, (float) (sum / rows));
    }

    private void normalise(int worker, int from, int to) {
        for (int row = from; row < to; row++) {
            UnitRows.normalise(op.z.data(), op.unit.data(), (long) row * width, width);
        }
    }

    private int pair(int row) {
        return row < rows / 2 ? row + rows / 2 : row - rows / 2;
    }

    /**
     * Turns row i of similarities into softmax over k != i less one at the pair (its own entry 0), and keeps the loss
     * of the row. The entry of the pair is minus the sum of the others: softmax - 1 would lose its digits where the pair
     * is nearly certain, and so would the loss without log1p.
     */
    private void softmax(int worker, int from, int to) {
        for (int row = from; row < to; row++) {
            softmax(powers[worker], row);
        }
    }

    private void softmax(float[] e, int row) {
        MemorySegment s = op.saved.data();
        long base = (long) row * rows;
        int pair = pair(row);
        load(s, base, e);
        e[row] = Float.NEGATIVE_INFINITY;
        float max = max(e);
        double below = (double) e[pair] - max;
        SimdMath.exp(e, 0, rows, 1, -max);
        e[row] = 0;
        e[pair] = 0;
        double others = 0;
        for (int k = 0; k < rows; k++) {
            others += e[k];
        }
        double sum = others + Math.exp(below);
        rowLoss[row] = below == 0 ? Math.log1p(others) : Math.log(sum) - below;
        store(e, (float) (1 / sum), s, base);
        set(s, base + pair, (float) (-others / sum));
    }

    private void load(MemorySegment from, long base, float[] to) {
        int k = 0;
        for (; k + LANES <= rows; k += LANES) {
            FloatVector.fromMemorySegment(F, from, (base + k) * BYTES, NATIVE).intoArray(to, k);
        }
        for (; k < rows; k++) {
            to[k] = get(from, base + k);
        }
    }

    private void store(float[] from, float scale, MemorySegment to, long base) {
        int k = 0;
        for (; k + LANES <= rows; k += LANES) {
            FloatVector.fromArray(F, from, k).mul(scale).intoMemorySegment(to, (base + k) * BYTES, NATIVE);
        }
        for (; k < rows; k++) {
            set(to, base + k, from[k] * scale);
        }
    }

    private float max(float[] of) {
        float max = of[0];
        for (int k = 1; k < rows; k++) {
            max = Math.max(max, of[k]);
        }
        return max;
    }

    /** With G = softmax less one at the pair: dunit = (G + G^T) unit / (T 2B), then through the normalisation. */
    @Override
    public void backward() {
        MemorySegment g = op.saved.data();
        MemorySegment unit = op.unit.data();
        MemorySegment dunit = op.dunit.data();
        float scale = (float) (1 / (op.temperature * rows));
        dnn.sgemm('N', 'N', rows, width, rows, scale, g, rows, unit, width, 0, dunit, width);
        dnn.sgemm('T', 'N', rows, width, rows, scale, g, rows, unit, width, 1, dunit, width);
        workers.run(rows, 1, gradientTask);
    }

    private void gradient(int worker, int from, int to) {
        for (int row = from; row < to; row++) {
            UnitRows.differentiate(
                    op.z.data(), op.unit.data(), op.dunit.data(), op.dz.data(), (long) row * width, width);
        }
    }
}
