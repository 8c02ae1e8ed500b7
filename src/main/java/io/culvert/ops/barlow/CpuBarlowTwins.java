package io.culvert.ops.barlow;

import static io.culvert.device.cpu.Simd.BYTES;
import static io.culvert.device.cpu.Simd.D;
import static io.culvert.device.cpu.Simd.DOUBLES;
import static io.culvert.device.cpu.Simd.F;
import static io.culvert.device.cpu.Simd.LANES;
import static io.culvert.device.cpu.Simd.NATIVE;
import static io.culvert.device.cpu.Simd.doubles;
import static io.culvert.device.cpu.Simd.get;
import static io.culvert.device.cpu.Simd.set;
import static io.culvert.device.cpu.Simd.store;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.OneDnn;
import io.culvert.device.cpu.Simd;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;

/** Three matrix products by oneDNN; columns and rows in between. Everything that belongs to a column is in double. */
final class CpuBarlowTwins implements OpKernel {
    /** Columns that a thread takes at a time: whole cache lines. */
    private static final int COLUMNS = 16;

    /** Squares are added in single precision up to so many. */
    private static final int BLOCK = 64 * LANES;

    private final Workers workers;
    private final OneDnn dnn;
    private final BarlowTwinsOp op;
    private final int batch;
    private final int width;
    private final MemorySegment[] unit = new MemorySegment[2];
    private final MemorySegment[] dunit = new MemorySegment[2];
    private final double[][] mean;
    private final double[][] inverse;
    private final double[][] sum;
    private final double[][] along;
    private final double[] diagonal;
    private final double[] rowSquares;
    private final float[][] lanes;
    private final Workers.Range normaliseTask = this::normalise;
    private final Workers.Range squareTask = this::square;
    private final Workers.Range gradientTask = this::gradient;

    CpuBarlowTwins(CpuDevice cpu, BarlowTwinsOp op) {
        this.op = op;
        workers = cpu.workers();
        dnn = cpu.oneDnn();
        batch = op.batch();
        width = op.width();
        long half = (long) batch * width * Float.BYTES;
        for (int view = 0; view < 2; view++) {
            unit[view] = op.unit.data().asSlice(view * half, half);
            dunit[view] = op.dunit == null ? null : op.dunit.data().asSlice(view * half, half);
        }
        mean = new double[2][width];
        inverse = new double[2][width];
        sum = new double[2][width];
        along = new double[2][width];
        diagonal = new double[width];
        rowSquares = new double[width];
        lanes = new float[workers.threads()][LANES];
    }

    @Override
    public void forward() {
        workers.run(width, COLUMNS, normaliseTask);
        float share = 1f / batch;
        dnn.sgemm('T', 'N', width, width, batch, share, unit[0], width, unit[1], width, 0, op.c.data(), width);
        workers.run(width, 1, squareTask);
        double loss = 0;
        for (int i = 0; i < width; i++) {
            loss += diagonal[i] * diagonal[i] + op.config.lambda() * rowSquares[i];
        }
        set(op.loss().data(), 0, (float) (op.config.scale() * loss));
    }

    /** Two passes over these columns for their statistics, one to write. */
    private void normalise(int worker, int from, int to) {
        for (int view = 0; view < 2; view++) {
            Arrays.fill(mean[view], from, to, 0);
            Arrays.fill(inverse[view], from, to, 0);
            for (int row = 0; row < batch; row++) {
                addRow(view, row, from, to);
            }
            for (int i = from; i < to; i++) {
                mean[view][i] /= batch;
            }
        }
        Arrays.fill(diagonal, from, to, 0);
        for (int row = 0; row < batch; row++) {
            addProducts(row, from, to);
        }
        for (int i = from; i < to; i++) {
            inverse[0][i] = 1 / Math.sqrt(inverse[0][i] / batch + op.config.eps());
            inverse[1][i] = 1 / Math.sqrt(inverse[1][i] / batch + op.config.eps());
            diagonal[i] = diagonal[i] / batch * inverse[0][i] * inverse[1][i] - 1;
        }
        for (int view = 0; view < 2; view++) {
            for (int row = 0; row < batch; row++) {
                writeUnit(view, row, from, to);
            }
        }
    }

    private void addRow(int view, int row, int from, int to) {
        MemorySegment z = op.z.data();
        double[] sum = mean[view];
        long base = (long) (view * batch + row) * width;
        int i = from;
        for (; i + DOUBLES <= to; i += DOUBLES) {
            DoubleVector.fromArray(D, sum, i).add(doubles(z, base + i)).intoArray(sum, i);
        }
        for (; i < to; i++) {
            sum[i] += get(z, base + i);
        }
    }

    /** Of distances from the means: squares to {@link #inverse}, products to {@link #diagonal}. */
    private void addProducts(int row, int from, int to) {
        MemorySegment z = op.z.data();
        long base = (long) row * width;
        long other = (long) (batch + row) * width;
        int i = from;
        for (; i + DOUBLES <= to; i += DOUBLES) {
            DoubleVector one = doubles(z, base + i).sub(DoubleVector.fromArray(D, mean[0], i));
            DoubleVector two = doubles(z, other + i).sub(DoubleVector.fromArray(D, mean[1], i));
            one.fma(one, DoubleVector.fromArray(D, inverse[0], i)).intoArray(inverse[0], i);
            two.fma(two, DoubleVector.fromArray(D, inverse[1], i)).intoArray(inverse[1], i);
            one.fma(two, DoubleVector.fromArray(D, diagonal, i)).intoArray(diagonal, i);
        }
        for (; i < to; i++) {
            double one = get(z, base + i) - mean[0][i];
            double two = get(z, other + i) - mean[1][i];
            inverse[0][i] += one * one;
            inverse[1][i] += two * two;
            diagonal[i] += one * two;
        }
    }

    private void writeUnit(int view, int row, int from, int to) {
        MemorySegment z = op.z.data();
        double[] middle = mean[view];
        double[] factor = inverse[view];
        long base = (long) (view * batch + row) * width;
        int i = from;
        for (; i + DOUBLES <= to; i += DOUBLES) {
            DoubleVector off = doubles(z, base + i).sub(DoubleVector.fromArray(D, middle, i));
            store(off.mul(DoubleVector.fromArray(D, factor, i)), op.unit.data(), base + i);
        }
        for (; i < to; i++) {
            set(op.unit.data(), base + i, (float) ((get(z, base + i) - middle[i]) * factor[i]));
        }
    }

    /** Takes the diagonal out of C and adds the squares of what is left of each row. */
    private void square(int worker, int from, int to) {
        MemorySegment c = op.c.data();
        for (int row = from; row < to; row++) {
            long base = (long) row * width;
            set(c, base + row, 0);
            double squares = 0;
            int whole = Simd.bound(width);
            for (int block = 0; block < whole; block += BLOCK) {
                FloatVector part = FloatVector.zero(F);
                for (int i = block; i < Math.min(whole, block + BLOCK); i += LANES) {
                    FloatVector v = FloatVector.fromMemorySegment(F, c, (base + i) * BYTES, NATIVE);
                    part = v.fma(v, part);
                }
                squares += Simd.sum(part, lanes[worker]);
            }
            for (int i = whole; i < width; i++) {
                double v = get(c, base + i);
                squares += v * v;
            }
            rowSquares[row] = squares;
        }
    }

    /** The off-diagonal's share of du1 = u2 dC^T and du2 = u1 dC by matrix products, then through the normalisation. */
    @Override
    public void backward() {
        float share = (float) (2 * op.config.scale() * op.config.lambda() / batch);
        MemorySegment c = op.c.data();
        dnn.sgemm('N', 'T', batch, width, width, share, unit[1], width, c, width, 0, dunit[0], width);
        dnn.sgemm('N', 'N', batch, width, width, share, unit[0], width, c, width, 0, dunit[1], width);
        workers.run(width, COLUMNS, gradientTask);
    }

    private double unitAt(MemorySegment z, int view, int row, int column) {
        return (get(z, (long) (view * batch + row) * width + column) - mean[view][column]) * inverse[view][column];
    }

    /** {@code du} with the diagonal's share, 2 scale (C_ii - 1) / B of the other view. */
    private double slope(MemorySegment z, int view, int row, int column) {
        double share = 2 * op.config.scale() / batch * diagonal[column];
        return get(dunit[view], (long) row * width + column) + share * unitAt(z, 1 - view, row, column);
    }

    /** {@code dz = (du - mean(du) - u mean(du u)) / sqrt(var + eps)}. */
    private void gradient(int worker, int from, int to) {
        MemorySegment z = op.z.data();
        MemorySegment dz = op.dz.data();
        for (int view = 0; view < 2; view++) {
            Arrays.fill(sum[view], from, to, 0);
            Arrays.fill(along[view], from, to, 0);
            for (int row = 0; row < batch; row++) {
                for (int i = from; i < to; i++) {
                    double g = slope(z, view, row, i);
                    sum[view][i] += g;
                    along[view][i] += g * unitAt(z, view, row, i);
                }
            }
            for (int row = 0; row < batch; row++) {
                for (int i = from; i < to; i++) {
                    double g = slope(z, view, row, i);
                    double off = g - sum[view][i] / batch - unitAt(z, view, row, i) * along[view][i] / batch;
                    set(dz, (long) (view * batch + row) * width + i, (float) (off * inverse[view][i]));
                }
            }
        }
    }
}
