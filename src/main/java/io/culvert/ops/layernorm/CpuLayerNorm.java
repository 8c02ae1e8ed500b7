package io.culvert.ops.layernorm;

import static io.culvert.device.cpu.ColumnTotals.TILE;
import static io.culvert.device.cpu.Simd.F;
import static io.culvert.device.cpu.Simd.LANES;
import static io.culvert.device.cpu.Simd.get;
import static io.culvert.device.cpu.Simd.load;
import static io.culvert.device.cpu.Simd.set;
import static io.culvert.device.cpu.Simd.store;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.ColumnTotals;
import io.culvert.device.cpu.Simd;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** A row stays in the innermost cache while it is looked at three times: mean, variance about the mean, result. */
final class CpuLayerNorm implements OpKernel {
    private final Workers workers;
    private final LayerNormOp op;
    private final int rows;
    private final int width;
    private final ColumnTotals dweight;
    private final ColumnTotals dbias;
    private final float[][] lanes;
    private final Workers.Range forwardTask = this::normalise;
    private final Workers.Range backwardTask = this::differentiate;

    CpuLayerNorm(CpuDevice cpu, LayerNormOp op) {
        this.op = op;
        workers = cpu.workers();
        rows = op.x.shape().rows();
        width = op.x.shape().at(-1);
        dweight = new ColumnTotals(workers, width);
        dbias = new ColumnTotals(workers, width);
        lanes = new float[workers.threads()][LANES];
    }

    @Override
    public void forward() {
        workers.run(rows, TILE, forwardTask);
    }

    private void normalise(int worker, int from, int to) {
        MemorySegment x = op.x.data();
        for (int row = from; row < to; row++) {
            long base = (long) row * width;
            double mean = sum(x, base, lanes[worker]) / width;
            double variance = squares(x, base, (float) mean, lanes[worker]) / width;
            double inverse = 1 / Math.sqrt(variance + op.eps);
            set(op.mean.data(), row, (float) mean);
            set(op.invStd.data(), row, (float) inverse);
            scale(x, op.weight.value().data(), op.bias.value().data(), op.y.data(), base, (float) mean, (float) inverse);
        }
    }

    private double sum(MemorySegment x, long base, float[] scratch) {
        FloatVector sums = FloatVector.zero(F);
        int i = 0;
        for (; i + LANES <= width; i += LANES) {
            sums = sums.add(load(x, base + i));
        }
        double sum = Simd.sum(sums, scratch);
        for (; i < width; i++) {
            sum += get(x, base + i);
        }
        return sum;
    }

    private double squares(MemorySegment x, long base, float mean, float[] scratch) {
        FloatVector sums = FloatVector.zero(F);
        int i = 0;
        for (; i + LANES <= width; i += LANES) {
            FloatVector off = load(x, base + i).sub(mean);
            sums = off.fma(off, sums);
        }
        double sum = Simd.sum(sums, scratch);
        for (; i < width; i++) {
            double off = get(x, base + i) - mean;
            sum += off * off;
        }
        return sum;
    }

    private void scale(
            MemorySegment x, MemorySegment weight, MemorySegment bias, MemorySegment y, long base, float mean,
            float inverse) {
        int i = 0;
        for (; i + LANES <= width; i += LANES) {
            FloatVector unit = load(x, base + i).sub(mean).mul(inverse);
            store(unit.fma(load(weight, i), load(bias, i)), y, base + i);
        }
        for (; i < width; i++) {
            float unit = (get(x, base + i) - mean) * inverse;
            set(y, base + i, Math.fma(unit, get(weight, i), get(bias, i)));
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
    private void differentiate(int worker, int from, int to) {
        MemorySegment x = op.x.data();
        MemorySegment dy = op.dy.data();
        MemorySegment weight = op.weight.value().data();
        for (int tile = from; tile < to; tile += TILE) {
            for (int row = tile; row < Math.min(to, tile + TILE); row++) {
                long base = (long) row * width;
                float mean = get(op.mean.data(), row);
                float inverse = get(op.invStd.data(), row);
                addParameters(x, dy, base, mean, inverse, dweight.recent(worker), dbias.recent(worker));
                double sum = weighted(dy, weight, base, lanes[worker]);
                double along = along(x, dy, weight, base, mean, inverse, lanes[worker]);
                float slope = (float) (-along / width);
                spread(x, dy, weight, op.dx.data(), base, mean, inverse, slope, (float) (-sum / width));
            }
            dweight.flush(worker);
            dbias.flush(worker);
        }
    }

    private void addParameters(
            MemorySegment x, MemorySegment dy, long base, float mean, float inverse, float[] dw, float[] db) {
        int i = 0;
        for (; i + LANES <= width; i += LANES) {
            FloatVector unit = load(x, base + i).sub(mean).mul(inverse);
            FloatVector d = load(dy, base + i);
            d.fma(unit, FloatVector.fromArray(F, dw, i)).intoArray(dw, i);
            d.add(FloatVector.fromArray(F, db, i)).intoArray(db, i);
        }
        for (; i < width; i++) {
            float unit = (get(x, base + i) - mean) * inverse;
            dw[i] += get(dy, base + i) * unit;
            db[i] += get(dy, base + i);
        }
    }

    private double weighted(MemorySegment dy, MemorySegment weight, long base, float[] scratch) {
        FloatVector sums = FloatVector.zero(F);
        int i = 0;
        for (; i + LANES <= width; i += LANES) {
            sums = load(dy, base + i).fma(load(weight, i), sums);
        }
        double sum = Simd.sum(sums, scratch);
        for (; i < width; i++) {
            sum += (double) get(dy, base + i) * get(weight, i);
        }
        return sum;
    }

    private double along(
            MemorySegment x, MemorySegment dy, MemorySegment weight, long base, float mean, float inverse, float[] scratch) {
        FloatVector sums = FloatVector.zero(F);
        int i = 0;
        for (; i + LANES <= width; i += LANES) {
            FloatVector unit = load(x, base + i).sub(mean).mul(inverse);
            sums = load(dy, base + i).mul(load(weight, i)).fma(unit, sums);
        }
        double sum = Simd.sum(sums, scratch);
        for (; i < width; i++) {
            sum += (double) get(dy, base + i) * get(weight, i) * (get(x, base + i) - mean) * inverse;
        }
        return sum;
    }

    private void spread(
            MemorySegment x, MemorySegment dy, MemorySegment weight, MemorySegment dx, long base, float mean,
            float inverse, float slope, float offset) {
        int i = 0;
        for (; i + LANES <= width; i += LANES) {
            FloatVector unit = load(x, base + i).sub(mean).mul(inverse);
            FloatVector g = load(dy, base + i).mul(load(weight, i));
            store(unit.fma(FloatVector.broadcast(F, slope), g.add(offset)).mul(inverse), dx, base + i);
        }
        for (; i < width; i++) {
            float unit = (get(x, base + i) - mean) * inverse;
            float g = get(dy, base + i) * get(weight, i);
            set(dx, base + i, Math.fma(unit, slope, g + offset) * inverse);
        }
    }
}
