package io.culvert.ops.layernorm;

import static io.culvert.device.cpu.ColumnTotals.TILE;
import static io.culvert.device.cpu.Simd.BYTES;
import static io.culvert.device.cpu.Simd.F;
import static io.culvert.device.cpu.Simd.LANES;
import static io.culvert.device.cpu.Simd.NATIVE;
import static io.culvert.device.cpu.Simd.get;
import static io.culvert.device.cpu.Simd.set;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.ColumnTotals;
import io.culvert.device.cpu.Simd;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * A group of rows stays in the innermost cache while it is looked at three times: mean, variance about the mean, result. What is
 * added up across a vector's lanes, is for all rows of the group in turn: none waits for the one before.
 */
final class CpuLayerNorm implements OpKernel {
    /** A divisor of {@link io.culvert.device.cpu.ColumnTotals#TILE}; as many rows of 192 are 12 KiB. */
    private static final int GROUP = 16;

    private final Workers workers;
    private final LayerNormOp op;
    private final int rows;
    private final int width;
    private final ColumnTotals dweight;
    private final ColumnTotals dbias;
    private final Moments[] moments;
    private final Workers.Range forwardTask = this::normalise;
    private final Workers.Range againTask = this::scale;
    private final Workers.Piece backwardTask = this::differentiate;

    /** Of the rows of a group, by one worker. */
    private static final class Moments {
        final int width;
        /** A vector a row, to be added up across its lanes. */
        final float[] first = new float[GROUP * LANES];

        final float[] second = new float[GROUP * LANES];
        final float[] mean = new float[GROUP];
        final float[] inverse = new float[GROUP];
        final float[] slope = new float[GROUP];
        final float[] offset = new float[GROUP];

        Moments(int width) {
            this.width = width;
        }

        /** Of the rows' elements. */
        void sums(MemorySegment x, int from, int count) {
            for (int row = 0; row < count; row++) {
                long base = (long) (from + row) * width;
                FloatVector sums = FloatVector.zero(F);
                int i = 0;
                for (; i + LANES <= width; i += LANES) {
                    sums = sums.add(FloatVector.fromMemorySegment(F, x, (base + i) * BYTES, NATIVE));
                }
                sums.intoArray(first, row * LANES);
                double rest = 0;
                for (; i < width; i++) {
                    rest += get(x, base + i);
                }
                first[row * LANES] += (float) rest;
            }
        }

        /** Of their distances from the mean, squared. */
        void squares(MemorySegment x, int from, int count) {
            for (int row = 0; row < count; row++) {
                long base = (long) (from + row) * width;
                FloatVector sums = FloatVector.zero(F);
                int i = 0;
                for (; i + LANES <= width; i += LANES) {
                    FloatVector off = FloatVector.fromMemorySegment(F, x, (base + i) * BYTES, NATIVE).sub(mean[row]);
                    sums = off.fma(off, sums);
                }
                sums.intoArray(first, row * LANES);
                double rest = 0;
                for (; i < width; i++) {
                    double off = get(x, base + i) - mean[row];
                    rest += off * off;
                }
                first[row * LANES] += (float) rest;
            }
        }
    }

    CpuLayerNorm(CpuDevice cpu, LayerNormOp op) {
        this.op = op;
        workers = cpu.workers();
        rows = op.x.shape().rows();
        width = op.x.shape().at(-1);
        dweight = new ColumnTotals(workers, width);
        dbias = new ColumnTotals(workers, width);
        moments = new Moments[workers.threads()];
        Arrays.setAll(moments, worker -> new Moments(width));
    }

    @Override
    public void forward() {
        workers.run(rows, GROUP, forwardTask);
    }

    private void normalise(int worker, int from, int to) {
        MemorySegment x = op.x.data();
        Moments m = moments[worker];
        for (int first = from; first < to; first += GROUP) {
            int count = Math.min(GROUP, to - first);
            m.sums(x, first, count);
            for (int i = 0; i < count; i++) {
                m.mean[i] = Simd.sum(m.first, i * LANES) / width;
            }
            m.squares(x, first, count);
            for (int i = 0; i < count; i++) {
                m.inverse[i] = (float) (1 / Math.sqrt(Simd.sum(m.first, i * LANES) / width + op.eps));
                set(op.mean.data(), first + i, m.mean[i]);
                set(op.invStd.data(), first + i, m.inverse[i]);
            }
            scale(m, x, op.weight.value().data(), op.bias.value().data(), op.y.data(), first, count);
        }
    }

    @Override
    public void again() {
        workers.run(rows, GROUP, againTask);
    }

    /** By moments known already. */
    private void scale(int worker, int from, int to) {
        Moments m = moments[worker];
        for (int first = from; first < to; first += GROUP) {
            int count = Math.min(GROUP, to - first);
            recall(m, first, count);
            scale(m, op.x.data(), op.weight.value().data(), op.bias.value().data(), op.y.data(), first, count);
        }
    }

    private void recall(Moments m, int first, int count) {
        for (int i = 0; i < count; i++) {
            m.mean[i] = get(op.mean.data(), first + i);
            m.inverse[i] = get(op.invStd.data(), first + i);
        }
    }

    private void scale(
            Moments m, MemorySegment x, MemorySegment weight, MemorySegment bias, MemorySegment y, int first, int count) {
        for (int row = 0; row < count; row++) {
            long base = (long) (first + row) * width;
            float mean = m.mean[row];
            float inverse = m.inverse[row];
            int i = 0;
            for (; i + LANES <= width; i += LANES) {
                FloatVector unit = FloatVector.fromMemorySegment(F, x, (base + i) * BYTES, NATIVE).sub(mean).mul(inverse);
                FloatVector gain = FloatVector.fromMemorySegment(F, weight, i * BYTES, NATIVE);
                FloatVector shift = FloatVector.fromMemorySegment(F, bias, i * BYTES, NATIVE);
                unit.fma(gain, shift).intoMemorySegment(y, (base + i) * BYTES, NATIVE);
            }
            for (; i < width; i++) {
                float unit = (get(x, base + i) - mean) * inverse;
                set(y, base + i, Math.fma(unit, get(weight, i), get(bias, i)));
            }
        }
    }

    @Override
    public void backward() {
        dweight.clear();
        dbias.clear();
        workers.run(rows, TILE, backwardTask);
        dweight.addTo(op.weight.gradient().data());
        dbias.addTo(op.bias.gradient().data());
    }

    /** With u the normalised row and g = weight dy: {@code dx = (g - mean(g) - u mean(g u)) / sqrt(var + eps)}. */
    private void differentiate(int worker, int piece, int from, int to) {
        Moments m = moments[worker];
        for (int tile = from; tile < to; tile += TILE) {
            for (int first = tile; first < Math.min(to, tile + TILE); first += GROUP) {
                int count = Math.min(GROUP, to - first);
                recall(m, first, count);
                gather(m, first, count);
                for (int i = 0; i < count; i++) {
                    m.offset[i] = -Simd.sum(m.first, i * LANES) / width;
                    m.slope[i] = -Simd.sum(m.second, i * LANES) / width;
                }
                spread(m, first, count, dweight.recent(worker), dbias.recent(worker));
            }
            dweight.flush(worker, piece);
            dbias.flush(worker, piece);
        }
    }

    /** The sums of g and of g u. */
    private void gather(Moments m, int first, int count) {
        MemorySegment x = op.x.data();
        MemorySegment dy = op.dy.data();
        MemorySegment weight = op.weight.value().data();
        for (int row = 0; row < count; row++) {
            long base = (long) (first + row) * width;
            float mean = m.mean[row];
            float inverse = m.inverse[row];
            FloatVector sum = FloatVector.zero(F);
            FloatVector along = FloatVector.zero(F);
            int i = 0;
            for (; i + LANES <= width; i += LANES) {
                FloatVector unit = FloatVector.fromMemorySegment(F, x, (base + i) * BYTES, NATIVE).sub(mean).mul(inverse);
                FloatVector gain = FloatVector.fromMemorySegment(F, weight, i * BYTES, NATIVE);
                FloatVector g = FloatVector.fromMemorySegment(F, dy, (base + i) * BYTES, NATIVE).mul(gain);
                sum = sum.add(g);
                along = g.fma(unit, along);
            }
            sum.intoArray(m.first, row * LANES);
            along.intoArray(m.second, row * LANES);
            double sumOfRest = 0;
            double alongRest = 0;
            for (; i < width; i++) {
                float unit = (get(x, base + i) - mean) * inverse;
                float d = get(dy, base + i);
                sumOfRest += (double) d * get(weight, i);
                alongRest += (double) d * get(weight, i) * unit;
            }
            m.first[row * LANES] += (float) sumOfRest;
            m.second[row * LANES] += (float) alongRest;
        }
    }

    /** Writes dx with what it takes in, and adds the rows to the gradients of gain and bias, a vector of columns at a time for those to stay in registers. */
    private void spread(Moments m, int first, int count, float[] dw, float[] db) {
        MemorySegment x = op.x.data();
        MemorySegment dy = op.dy.data();
        MemorySegment dx = op.dx.data();
        MemorySegment other = op.other == null ? null : op.other.data();
        MemorySegment weight = op.weight.value().data();
        int i = 0;
        for (; i + LANES <= width; i += LANES) {
            FloatVector gain = FloatVector.fromMemorySegment(F, weight, i * BYTES, NATIVE);
            FloatVector ofGain = FloatVector.fromArray(F, dw, i);
            FloatVector ofBias = FloatVector.fromArray(F, db, i);
            for (int row = 0; row < count; row++) {
                long at = (long) (first + row) * width + i;
                FloatVector unit = FloatVector.fromMemorySegment(F, x, at * BYTES, NATIVE).sub(m.mean[row]).mul(m.inverse[row]);
                FloatVector d = FloatVector.fromMemorySegment(F, dy, at * BYTES, NATIVE);
                ofGain = d.fma(unit, ofGain);
                ofBias = ofBias.add(d);
                FloatVector off = unit.fma(FloatVector.broadcast(F, m.slope[row]), d.mul(gain).add(m.offset[row]));
                FloatVector slope = off.mul(m.inverse[row]);
                if (other != null) {
                    slope = slope.add(FloatVector.fromMemorySegment(F, other, at * BYTES, NATIVE));
                }
                slope.intoMemorySegment(dx, at * BYTES, NATIVE);
            }
            ofGain.intoArray(dw, i);
            ofBias.intoArray(db, i);
        }
        for (; i < width; i++) {
            for (int row = 0; row < count; row++) {
                long at = (long) (first + row) * width + i;
                float unit = (get(x, at) - m.mean[row]) * m.inverse[row];
                float d = get(dy, at);
                dw[i] += d * unit;
                db[i] += d;
                float slope = Math.fma(unit, m.slope[row], d * get(weight, i) + m.offset[row]) * m.inverse[row];
                set(dx, at, other == null ? slope : slope + get(other, at));
            }
        }
    }
}
