package io.culvert.ops.batchnorm;

import static io.culvert.device.cpu.Simd.BYTES;
import static io.culvert.device.cpu.Simd.F;
import static io.culvert.device.cpu.Simd.LANES;
import static io.culvert.device.cpu.Simd.NATIVE;
import static io.culvert.device.cpu.Simd.get;
import static io.culvert.device.cpu.Simd.set;

import io.culvert.device.CpuDevice;
import io.culvert.device.CpuGroup;
import io.culvert.device.cpu.Simd;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Batch normalisation on the CPU. Sums run in single precision over tiles of rows that stay in cache, with the first
 * row subtracted so that a large mean costs no digits, and in double precision across tiles. Where several ranks train, the
 * batch is that of all: moments are put together as Chan et al. (1979) do, gradients' sums are averaged.
 */
final class CpuBatchNorm implements OpKernel {
    private static final int TILE = 64;

    private final Workers workers;
    private final CpuGroup group;
    private final BatchNormOp op;
    private final int channels;
    private final int vectorised;
    private final int partRows;
    private final MemorySegment x;
    private final MemorySegment y;
    private final MemorySegment residual;
    private final MemorySegment dy;
    private final MemorySegment second;
    private final MemorySegment sign;
    private final MemorySegment dx;
    private final double[][] sums;
    private final double[][] products;
    private final float[][] lanes;
    private final float[] scale;
    private final float[] shift;
    private final float[] centre;
    private final float[] slope;
    private final float[] offset;
    private final Workers.Piece statisticsTask = this::statistics;
    private final Workers.Range normaliseTask = this::normalise;
    private final Workers.Piece reduceTask = this::reduceGradient;
    private final Workers.Range spreadTask = this::spreadGradient;
    private final float[] signScale;
    private final float[] signShift;
    private final float threshold;
    private final double[] batchMean;
    private final double[] batchVariance;
    private final double[] shared;
    private float secondScale;
    private int partStart;

    CpuBatchNorm(CpuDevice cpu, BatchNormOp op) {
        this.op = op;
        workers = cpu.workers();
        group = cpu.group();
        channels = op.x.shape().at(-1);
        vectorised = Simd.bound(channels);
        partRows = op.x.shape().rows() / op.config.groups();
        x = op.x.data();
        y = op.y.data();
        residual = op.residual == null ? null : op.residual.data();
        dy = op.dy == null ? null : op.dy.getFirst().data();
        second = op.dy == null ? null : op.dy.getLast().data();
        sign = residual == null ? x : y;
        threshold = op.config.relu() ? 0f : Float.NEGATIVE_INFINITY;
        dx = op.dx == null ? null : op.dx.data();
        sums = new double[workers.pieces()][channels];
        products = new double[workers.pieces()][channels];
        lanes = new float[workers.threads()][LANES];
        scale = new float[channels];
        shift = new float[channels];
        centre = new float[channels];
        signScale = residual == null ? scale : new float[channels];
        signShift = residual == null ? shift : new float[channels];
        if (residual != null) {
            Arrays.fill(signScale, 1f);
        }
        slope = new float[channels];
        offset = new float[channels];
        batchMean = new double[channels];
        batchVariance = new double[channels];
        shared = new double[2 * channels];
    }

    @Override
    public void forward() {
        for (int part = 0; part < op.config.groups(); part++) {
            partStart = part * partRows;
            if (op.training) {
                batchStatistics(part);
            } else {
                runningStatistics(part);
            }
            affine(part);
            workers.run(partRows, TILE, normaliseTask);
        }
    }

    @Override
    public void again() {
        for (int part = 0; part < op.config.groups(); part++) {
            partStart = part * partRows;
            affine(part);
            workers.run(partRows, TILE, normaliseTask);
        }
    }

    private void batchStatistics(int part) {
        for (int c = 0; c < channels; c++) {
            centre[c] = get(x, (long) partStart * channels + c);
        }
        clearSums();
        workers.run(partRows, TILE, statisticsTask);
        collectSums();
        for (int c = 0; c < channels; c++) {
            double shiftedMean = sums[0][c] / partRows;
            batchMean[c] = centre[c] + shiftedMean;
            batchVariance[c] = Math.max(0, products[0][c] / partRows - shiftedMean * shiftedMean);
        }
        if (group.size() > 1) {
            momentsOfAll();
        }
        double momentum = op.config.momentum();
        double rows = (double) partRows * group.size();
        for (int c = 0; c < channels; c++) {
            set(op.mean.data(), part * channels + c, (float) batchMean[c]);
            set(op.invStd.data(), part * channels + c, (float) (1 / Math.sqrt(batchVariance[c] + op.config.eps())));
            double unbiased = rows > 1 ? batchVariance[c] * rows / (rows - 1) : batchVariance[c];
            move(op.runningMean.data(), c, batchMean[c], momentum);
            move(op.runningVar.data(), c, unbiased, momentum);
        }
    }

    /** Every rank has as many rows: {@code var = mean over ranks of (var_r + (mean_r - mean)^2)}. */
    private void momentsOfAll() {
        System.arraycopy(batchMean, 0, shared, 0, channels);
        System.arraycopy(batchVariance, 0, shared, channels, channels);
        group.share(shared, 2 * channels);
        for (int c = 0; c < channels; c++) {
            batchMean[c] = group.meanShared(c);
            double between = 0;
            for (int rank = 0; rank < group.size(); rank++) {
                double off = group.shared(rank, c) - batchMean[c];
                between += off * off;
            }
            batchVariance[c] = group.meanShared(channels + c) + between / group.size();
        }
    }

    private static void move(MemorySegment running, int c, double batch, double momentum) {
        set(running, c, (float) ((1 - momentum) * get(running, c) + momentum * batch));
    }

    private void runningStatistics(int part) {
        for (int c = 0; c < channels; c++) {
            set(op.mean.data(), part * channels + c, get(op.runningMean.data(), c));
            double variance = get(op.runningVar.data(), c);
            set(op.invStd.data(), part * channels + c, (float) (1 / Math.sqrt(variance + op.config.eps())));
        }
    }

    /** Folds statistics and parameters into {@code y = x * scale + shift}. */
    private void affine(int part) {
        MemorySegment weight = op.weight.value().data();
        MemorySegment bias = op.bias.value().data();
        for (int c = 0; c < channels; c++) {
            double a = (double) get(weight, c) * get(op.invStd.data(), part * channels + c);
            scale[c] = (float) a;
            shift[c] = (float) (get(bias, c) - a * get(op.mean.data(), part * channels + c));
        }
    }

    private void statistics(int worker, int piece, int from, int to) {
        double[] sum = sums[piece];
        double[] product = products[piece];
        for (int tile = from; tile < to; tile += TILE) {
            int end = Math.min(to, tile + TILE);
            for (int c = 0; c < vectorised; c += LANES) {
                FloatVector reference = FloatVector.fromArray(F, centre, c);
                FloatVector s = FloatVector.zero(F);
                FloatVector q = FloatVector.zero(F);
                for (int row = tile; row < end; row++) {
                    long at = (long) (partStart + row) * channels + c;
                    FloatVector v = FloatVector.fromMemorySegment(F, x, at * BYTES, NATIVE).sub(reference);
                    s = s.add(v);
                    q = v.fma(v, q);
                }
                addLanes(s, lanes[worker], sum, c);
                addLanes(q, lanes[worker], product, c);
            }
            for (int c = vectorised; c < channels; c++) {
                for (int row = tile; row < end; row++) {
                    double v = get(x, (long) (partStart + row) * channels + c) - centre[c];
                    sum[c] += v;
                    product[c] += v * v;
                }
            }
        }
    }

    private void normalise(int worker, int from, int to) {
        boolean relu = op.config.relu();
        for (int row = from; row < to; row++) {
            long base = (long) (partStart + row) * channels;
            for (int c = 0; c < vectorised; c += LANES) {
                FloatVector v = FloatVector.fromMemorySegment(F, x, (base + c) * BYTES, NATIVE)
                        .fma(FloatVector.fromArray(F, scale, c), FloatVector.fromArray(F, shift, c));
                if (residual != null) {
                    v = v.add(FloatVector.fromMemorySegment(F, residual, (base + c) * BYTES, NATIVE));
                }
                (relu ? v.max(0f) : v).intoMemorySegment(y, (base + c) * BYTES, NATIVE);
            }
            for (int c = vectorised; c < channels; c++) {
                float v = Math.fma(get(x, base + c), scale[c], shift[c]);
                v = residual == null ? v : v + get(residual, base + c);
                set(y, base + c, relu ? Math.max(0f, v) : v);
            }
        }
    }

    @Override
    public void backward() {
        for (int part = 0; part < op.config.groups(); part++) {
            partStart = part * partRows;
            affine(part);
            for (int c = 0; c < channels; c++) {
                centre[c] = get(op.mean.data(), part * channels + c);
            }
            clearSums();
            secondScale = op.dy.size() > 1 ? 1f : 0f;
            workers.run(partRows, TILE, reduceTask);
            collectSums();
            parameterGradients(part);
            // With a residual the first pass has left the whole sum in dy.
            secondScale = residual == null ? secondScale : 0f;
            workers.run(partRows, TILE, spreadTask);
        }
    }

    /** Ioffe and Szegedy 2015, the chain rule of section 3, folded into {@code dx = scale dz + slope (x - mean) + offset}. */
    private void parameterGradients(int part) {
        MemorySegment weightGradient = op.weight.gradient().data();
        MemorySegment biasGradient = op.bias.gradient().data();
        for (int c = 0; c < channels; c++) {
            double inverse = get(op.invStd.data(), part * channels + c);
            set(weightGradient, c, (float) (get(weightGradient, c) + products[0][c] * inverse));
            set(biasGradient, c, (float) (get(biasGradient, c) + sums[0][c]));
        }
        if (group.size() > 1 && op.training) {
            sumsOfAll();
        }
        for (int c = 0; c < channels; c++) {
            double inverse = get(op.invStd.data(), part * channels + c);
            double dweight = products[0][c] * inverse;
            slope[c] = op.training ? (float) (-scale[c] * inverse * dweight / partRows) : 0f;
            offset[c] = op.training ? (float) (-scale[c] * sums[0][c] / partRows) : 0f;
        }
    }

    /** The mean of a rank's sums over its rows is the mean over the rows of all. */
    private void sumsOfAll() {
        System.arraycopy(sums[0], 0, shared, 0, channels);
        System.arraycopy(products[0], 0, shared, channels, channels);
        group.share(shared, 2 * channels);
        for (int c = 0; c < channels; c++) {
            sums[0][c] = group.meanShared(c);
            products[0][c] = group.meanShared(channels + c);
        }
    }

    /** Masks the incoming gradient by the ReLU, leaves it in {@code dy}, and sums it alone and against x - mean. */
    private void reduceGradient(int worker, int piece, int from, int to) {
        double[] sum = sums[piece];
        double[] product = products[piece];
        for (int tile = from; tile < to; tile += TILE) {
            int end = Math.min(to, tile + TILE);
            for (int c = 0; c < vectorised; c += LANES) {
                FloatVector mean = FloatVector.fromArray(F, centre, c);
                FloatVector s = FloatVector.zero(F);
                FloatVector q = FloatVector.zero(F);
                for (int row = tile; row < end; row++) {
                    long i = (long) (partStart + row) * channels + c;
                    FloatVector v = FloatVector.fromMemorySegment(F, x, i * BYTES, NATIVE);
                    FloatVector dz = maskedGradient(i, c);
                    if (residual != null) {
                        dz.intoMemorySegment(dy, i * BYTES, NATIVE);
                    }
                    s = s.add(dz);
                    q = v.sub(mean).fma(dz, q);
                }
                addLanes(s, lanes[worker], sum, c);
                addLanes(q, lanes[worker], product, c);
            }
            for (int c = vectorised; c < channels; c++) {
                for (int row = tile; row < end; row++) {
                    long i = (long) (partStart + row) * channels + c;
                    float dz = maskedGradientOf(i, c);
                    if (residual != null) {
                        set(dy, i, dz);
                    }
                    sum[c] += dz;
                    product[c] += (double) dz * (get(x, i) - centre[c]);
                }
            }
        }
    }

    /**
     * {@code (dy + second secondScale)} where {@code sign signScale + signShift > threshold}, else 0. Without a residual
     * the sign before the ReLU follows from x, which is at hand; with one it is read from y. The choices are operands,
     * not branches: a vector that is merged after a branch is boxed on the heap.
     */
    private FloatVector maskedGradient(long i, int c) {
        FloatVector dz = FloatVector.fromMemorySegment(F, second, i * BYTES, NATIVE)
                .fma(FloatVector.broadcast(F, secondScale), FloatVector.fromMemorySegment(F, dy, i * BYTES, NATIVE));
        FloatVector before = FloatVector.fromMemorySegment(F, sign, i * BYTES, NATIVE)
                .fma(FloatVector.fromArray(F, signScale, c), FloatVector.fromArray(F, signShift, c));
        return FloatVector.zero(F).blend(dz, before.compare(VectorOperators.GT, threshold));
    }

    private float maskedGradientOf(long i, int c) {
        float dz = Math.fma(get(second, i), secondScale, get(dy, i));
        return Math.fma(get(sign, i), signScale[c], signShift[c]) > threshold ? dz : 0f;
    }

    private void spreadGradient(int worker, int from, int to) {
        for (int row = from; row < to; row++) {
            long base = (long) (partStart + row) * channels;
            for (int c = 0; c < vectorised; c += LANES) {
                FloatVector v = FloatVector.fromMemorySegment(F, x, (base + c) * BYTES, NATIVE);
                FloatVector dz = maskedGradient(base + c, c);
                FloatVector centred = v.sub(FloatVector.fromArray(F, centre, c));
                FloatVector rest = centred.fma(FloatVector.fromArray(F, slope, c), FloatVector.fromArray(F, offset, c));
                dz.fma(FloatVector.fromArray(F, scale, c), rest).intoMemorySegment(dx, (base + c) * BYTES, NATIVE);
            }
            for (int c = vectorised; c < channels; c++) {
                float dz = maskedGradientOf(base + c, c);
                float centred = get(x, base + c) - centre[c];
                set(dx, base + c, Math.fma(dz, scale[c], Math.fma(centred, slope[c], offset[c])));
            }
        }
    }

    private void clearSums() {
        for (int piece = 0; piece < sums.length; piece++) {
            Arrays.fill(sums[piece], 0);
            Arrays.fill(products[piece], 0);
        }
    }

    private void collectSums() {
        for (int piece = 1; piece < sums.length; piece++) {
            for (int c = 0; c < channels; c++) {
                sums[0][c] += sums[piece][c];
                products[0][c] += products[piece][c];
            }
        }
    }

    private static void addLanes(FloatVector vector, float[] scratch, double[] to, int at) {
        vector.intoArray(scratch, 0);
        for (int lane = 0; lane < LANES; lane++) {
            to[at + lane] += scratch[lane];
        }
    }
}
