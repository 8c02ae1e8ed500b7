package io.culvert.ops.tokens;

import static io.culvert.device.cpu.Simd.BYTES;
import static io.culvert.device.cpu.Simd.F;
import static io.culvert.device.cpu.Simd.LANES;
import static io.culvert.device.cpu.Simd.NATIVE;
import static io.culvert.device.cpu.Simd.get;
import static io.culvert.device.cpu.Simd.set;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.RowSum;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

final class CpuTokens implements OpKernel {
    /** Images whose gradients are added up in single precision before they go to the sum of all. */
    private static final int TILE = 32;

    private final Workers workers;
    private final TokensOp op;
    private final int images;
    private final int image;
    private final int width;
    private final double[][] sums;
    private final Workers.Range resampleTask = this::resample;
    private final Workers.Range distributeTask = this::distribute;
    private final Workers.Range forwardTask = this::assemble;
    private final Workers.Range copyTask = this::copy;
    private final Workers.Range sumTask = this::sum;

    CpuTokens(CpuDevice cpu, TokensOp op) {
        this.op = op;
        workers = cpu.workers();
        images = op.images();
        width = op.width();
        image = op.length() * width;
        sums = new double[op.resampling == null ? 0 : workers.threads()][width];
    }

    @Override
    public void forward() {
        if (op.resampling != null) {
            workers.run(op.length(), 1, resampleTask);
        }
        workers.run(images, 1, forwardTask);
    }

    @Override
    public void backward() {
        workers.run(images, 1, copyTask);
        if (op.resampling != null) {
            op.dresampled.data().fill((byte) 0);
        }
        workers.run(image, LANES, sumTask);
        if (op.resampling != null) {
            workers.run(op.resampling.from(), 1, distributeTask);
        }
        MemorySegment dtoken = op.token.gradient().data();
        for (int d = 0; d < width; d++) {
            double sum = get(dtoken, d);
            for (int n = 0; n < images; n++) {
                sum += get(op.dy.data(), (long) n * image + d);
            }
            set(dtoken, d, (float) sum);
        }
    }

    private void assemble(int worker, int from, int to) {
        MemorySegment x = op.x.data();
        MemorySegment y = op.y.data();
        MemorySegment position = op.positions().data();
        for (int n = from; n < to; n++) {
            RowSum.add(op.token.value().data(), 0, position, 0, y, (long) n * image, width);
            RowSum.add(x, (long) n * (image - width), position, width, y, (long) n * image + width, image - width);
        }
    }

    /** Positions of this grid: a product with a matrix of mostly zeros. */
    private void resample(int worker, int from, int to) {
        double[] sum = sums[worker];
        for (int place = from; place < to; place++) {
            Arrays.fill(sum, 0);
            for (int old = 0; old < op.resampling.from(); old++) {
                addScaled(sum, op.resampling.weight(place, old), op.position.value().data(), (long) old * width);
            }
            put(sum, op.resampled.data(), (long) place * width);
        }
    }

    private void distribute(int worker, int from, int to) {
        double[] sum = sums[worker];
        for (int old = from; old < to; old++) {
            Arrays.fill(sum, 0);
            addScaled(sum, 1, op.position.gradient().data(), (long) old * width);
            for (int place = 0; place < op.resampling.to(); place++) {
                addScaled(sum, op.resampling.weight(place, old), op.dresampled.data(), (long) place * width);
            }
            put(sum, op.position.gradient().data(), (long) old * width);
        }
    }

    private static void addScaled(double[] sum, float weight, MemorySegment row, long at) {
        if (weight != 0) {
            for (int d = 0; d < sum.length; d++) {
                sum[d] += (double) weight * get(row, at + d);
            }
        }
    }

    private static void put(double[] sum, MemorySegment row, long at) {
        for (int d = 0; d < sum.length; d++) {
            set(row, at + d, (float) sum[d]);
        }
    }

    private void copy(int worker, int from, int to) {
        long bytes = (long) (image - width) * Float.BYTES;
        for (int n = from; n < to; n++) {
            MemorySegment.copy(op.dy.data(), ((long) n * image + width) * Float.BYTES, op.dx.data(), n * bytes, bytes);
        }
    }

    private void sum(int worker, int from, int to) {
        MemorySegment dy = op.dy.data();
        MemorySegment dposition = op.dpositions().data();
        int at = from;
        for (; at + LANES <= to; at += LANES) {
            for (int first = 0; first < images; first += TILE) {
                FloatVector sum = FloatVector.fromMemorySegment(F, dy, ((long) first * image + at) * BYTES, NATIVE);
                for (int n = first + 1; n < Math.min(images, first + TILE); n++) {
                    sum = sum.add(FloatVector.fromMemorySegment(F, dy, ((long) n * image + at) * BYTES, NATIVE));
                }
                sum.add(FloatVector.fromMemorySegment(F, dposition, at * BYTES, NATIVE)).intoMemorySegment(dposition, at * BYTES, NATIVE);
            }
        }
        for (; at < to; at++) {
            double sum = get(dposition, at);
            for (int n = 0; n < images; n++) {
                sum += get(dy, (long) n * image + at);
            }
            set(dposition, at, (float) sum);
        }
    }
}
