package io.culvert.ops.attention;

import static io.culvert.device.cpu.Simd.F;
import static io.culvert.device.cpu.Simd.LANES;
import static io.culvert.device.cpu.Simd.get;
import static io.culvert.device.cpu.Simd.set;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.Simd;
import io.culvert.device.cpu.SimdMath;
import io.culvert.device.cpu.TileProduct;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import io.culvert.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * A head at a time for each worker, and of its matrix a tile of {@link #TILE} queries: keys and values are copied once a
 * head, as rows or transposed as the products want them, and everything a tile needs stays in the worker's cache.
 */
final class CpuAttention implements OpKernel {
    /** Queries of a tile: a multiple of {@link TileProduct#ROWS}. */
    private static final int TILE = 8 * TileProduct.ROWS;

    private final Workers workers;
    private final AttentionOp op;
    private final int n;
    private final int d;
    private final int wide;
    private final int across;
    private final Scratch[] scratch;
    private final Workers.Range forwardTask = this::attend;
    private final Workers.Range backwardTask = this::differentiate;

    CpuAttention(CpuDevice cpu, AttentionOp op) {
        this.op = op;
        workers = cpu.workers();
        n = op.tokens;
        d = op.headDim;
        wide = TileProduct.stride(d);
        across = TileProduct.stride(n);
        scratch = new Scratch[workers.threads()];
        Arrays.setAll(scratch, worker -> new Scratch(n, d, wide, across, op.dy != null));
    }

    /** One worker's copies and tiles; matrices of tokens have rows of {@code wide}, of the softmax rows of {@code across}. */
    private static final class Scratch {
        final float[] keysAcross;
        final float[] valuesAcross;
        final float[] keys;
        final float[] values;
        final float[] queries;
        final float[] gradients;
        final float[] weights;
        final float[] slopes;
        final float[] result;
        final float[] dk;
        final float[] dv;
        final float[] inverse = new float[TILE];
        final float[] lanes = new float[LANES];

        Scratch(int n, int d, int wide, int across, boolean training) {
            int rows = TileProduct.paddedRows(n);
            keysAcross = new float[d * across];
            values = new float[n * wide];
            queries = new float[TILE * wide];
            weights = new float[TILE * across];
            result = new float[TILE * wide];
            valuesAcross = new float[training ? keysAcross.length : 0];
            keys = new float[training ? values.length : 0];
            gradients = new float[training ? queries.length : 0];
            slopes = new float[training ? weights.length : 0];
            dk = new float[training ? rows * wide : 0];
            dv = new float[training ? rows * wide : 0];
        }
    }

    @Override
    public void forward() {
        workers.run(op.images * op.heads, 1, forwardTask);
    }

    @Override
    public void backward() {
        workers.run(op.images * op.heads, 1, backwardTask);
    }

    private long first(AttentionOp.Strides strides, int head) {
        return (long) (head / op.heads) * strides.image() + (long) (head % op.heads) * strides.head();
    }

    private void attend(int worker, int from, int to) {
        Scratch s = scratch[worker];
        for (int head = from; head < to; head++) {
            long in = first(op.in, head);
            long out = first(op.out, head);
            copyAcross(op.k, in + op.start(1), s.keysAcross);
            copy(op.v, in + op.start(2), op.in.token(), n, s.values);
            for (int first = 0; first < n; first += TILE) {
                int rows = Math.min(TILE, n - first);
                copy(op.q, in + op.start(0) + (long) first * op.in.token(), op.in.token(), rows, s.queries);
                TileProduct.multiply(
                        s.weights, across, s.queries, wide, 1, s.keysAcross, across, rows, n, d, false);
                for (int row = 0; row < rows; row++) {
                    s.inverse[row] = exponentiate(s.weights, row * across, s.lanes, (long) head * n + first + row);
                }
                TileProduct.multiply(s.result, wide, s.weights, across, 1, s.values, wide, rows, d, n, false);
                for (int row = 0; row < rows; row++) {
                    long at = out + (long) (first + row) * op.out.token();
                    store(s.result, row * wide, s.inverse[row], op.y.data(), at);
                }
            }
        }
    }

    /** Turns a row of products into {@code exp(scale (product - greatest))}; returns the inverse of their sum. */
    private float exponentiate(float[] row, int at, float[] lanes, long logSumAt) {
        // Columns past the end must add nothing to the sum.
        Arrays.fill(row, at + n, at + Simd.bound(n + LANES - 1), Float.NEGATIVE_INFINITY);
        FloatVector greatest = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
        for (int i = 0; i < n; i += LANES) {
            greatest = greatest.max(FloatVector.fromArray(F, row, at + i));
        }
        greatest.intoArray(lanes, 0);
        float max = lanes[0];
        for (float lane : lanes) {
            max = Math.max(max, lane);
        }
        SimdMath.exp(row, at, n, (float) op.scale, (float) -(max * op.scale));
        FloatVector sums = FloatVector.zero(F);
        for (int i = 0; i < n; i += LANES) {
            sums = sums.add(FloatVector.fromArray(F, row, at + i));
        }
        double sum = Simd.sum(sums, lanes);
        set(op.logSum.data(), logSumAt, (float) ((double) max * op.scale + Math.log(sum)));
        return (float) (1 / sum);
    }

    /** With P the softmax and D = rows of (y . dy): dv = P^T dy, dS = P (dy v^T - D), dq = scale dS k, dk = scale dS^T q. */
    private void differentiate(int worker, int from, int to) {
        Scratch s = scratch[worker];
        for (int head = from; head < to; head++) {
            long in = first(op.in, head);
            long out = first(op.out, head);
            copyAcross(op.k, in + op.start(1), s.keysAcross);
            copyAcross(op.v, in + op.start(2), s.valuesAcross);
            copy(op.k, in + op.start(1), op.in.token(), n, s.keys);
            Arrays.fill(s.dk, 0);
            Arrays.fill(s.dv, 0);
            for (int first = 0; first < n; first += TILE) {
                int rows = Math.min(TILE, n - first);
                long q = in + op.start(0) + (long) first * op.in.token();
                long y = out + (long) first * op.out.token();
                copy(op.q, q, op.in.token(), rows, s.queries);
                copy(op.dy, y, op.out.token(), rows, s.gradients);
                TileProduct.multiply(s.weights, across, s.queries, wide, 1, s.keysAcross, across, rows, n, d, false);
                TileProduct.multiply(s.slopes, across, s.gradients, wide, 1, s.valuesAcross, across, rows, n, d, false);
                for (int row = 0; row < rows; row++) {
                    float logSum = get(op.logSum.data(), (long) head * n + first + row);
                    float delta = along(s.gradients, row * wide, op.y.data(), y + (long) row * op.out.token());
                    slopes(s.weights, s.slopes, row * across, logSum, delta);
                }
                TileProduct.multiply(s.dv, wide, s.weights, 1, across, s.gradients, wide, n, d, rows, true);
                TileProduct.multiply(s.dk, wide, s.slopes, 1, across, s.queries, wide, n, d, rows, true);
                TileProduct.multiply(s.result, wide, s.slopes, across, 1, s.keys, wide, rows, d, n, false);
                for (int row = 0; row < rows; row++) {
                    store(s.result, row * wide, 1, op.dq.data(), q + (long) row * op.in.token());
                }
            }
            for (int row = 0; row < n; row++) {
                long at = in + (long) row * op.in.token();
                store(s.dk, row * wide, 1, op.dk.data(), at + op.start(1));
                store(s.dv, row * wide, 1, op.dv.data(), at + op.start(2));
            }
        }
    }

    /** Products to P, gradients of P to scale dS. */
    private void slopes(float[] weights, float[] slopes, int at, float logSum, float delta) {
        // The softmax of one score is 1 whatever the score: its slope vanishes exactly, which a difference would not.
        float scale = n == 1 ? 0 : (float) op.scale;
        SimdMath.exp(weights, at, n, (float) op.scale, -logSum);
        for (int i = 0; i < n; i += LANES) {
            FloatVector p = FloatVector.fromArray(F, weights, at + i);
            FloatVector.fromArray(F, slopes, at + i).sub(delta).mul(p).mul(scale).intoArray(slopes, at + i);
        }
    }

    private float along(float[] a, int at, MemorySegment b, long base) {
        double sum = 0;
        for (int c = 0; c < d; c++) {
            sum += (double) a[at + c] * get(b, base + c);
        }
        return (float) sum;
    }

    private void copy(Tensor from, long base, int stride, int rows, float[] to) {
        MemorySegment source = from.data();
        for (int row = 0; row < rows; row++) {
            copyRow(source, base + (long) row * stride, to, row * wide);
        }
    }

    private void copyRow(MemorySegment from, long base, float[] to, int at) {
        int c = 0;
        for (; c + LANES <= d; c += LANES) {
            Simd.load(from, base + c).intoArray(to, at + c);
        }
        for (; c < d; c++) {
            to[at + c] = get(from, base + c);
        }
    }

    /** The transpose. */
    private void copyAcross(Tensor from, long base, float[] to) {
        MemorySegment source = from.data();
        for (int row = 0; row < n; row++) {
            long at = base + (long) row * op.in.token();
            for (int c = 0; c < d; c++) {
                to[c * across + row] = get(source, at + c);
            }
        }
    }

    private void store(float[] from, int at, float factor, MemorySegment to, long base) {
        int c = 0;
        for (; c + LANES <= d; c += LANES) {
            Simd.store(FloatVector.fromArray(F, from, at + c).mul(factor), to, base + c);
        }
        for (; c < d; c++) {
            set(to, base + c, from[at + c] * factor);
        }
    }
}
