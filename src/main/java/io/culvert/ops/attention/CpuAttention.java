package io.culvert.ops.attention;

import static io.culvert.device.cpu.Simd.F;
import static io.culvert.device.cpu.Simd.LANES;
import static io.culvert.device.cpu.Simd.get;
import static io.culvert.device.cpu.Simd.set;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.Simd;
import io.culvert.device.cpu.TileProduct;
import io.culvert.device.cpu.Transposition;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import io.culvert.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * A head at a time for each worker, and of its matrix a tile of queries, all of which stays in the worker's cache.
 * The tile lies with a key's row of queries after another, so that a vector holds as many queries: maxima and sums over the
 * keys need nothing across its lanes. Only the queries (and y's gradients) are transposed for that.
 */
final class CpuAttention implements OpKernel {
    /**
     * Queries of a tile at most: few enough for a second-level cache beside a head of 197 tokens by 64, and many enough that the
     * 65 of an image of 64 pixels are one tile and the 197 of 224 pixels leave a short one behind two that are whole vectors.
     */
    private static final int TILE = 96;

    private static final double LN_2 = Math.log(2);

    private final Workers workers;
    private final AttentionOp op;
    private final int n;
    private final int d;
    private final int wide;
    private final int tile;
    /** Of scores, as exponents of 2. */
    private final float scaleOfPowers;

    private final Scratch[] scratch;
    private final Workers.Range forwardTask = this::attend;
    private final Workers.Range backwardTask = this::differentiate;

    CpuAttention(CpuDevice cpu, AttentionOp op) {
        this.op = op;
        workers = cpu.workers();
        n = op.tokens;
        d = op.headDim;
        wide = TileProduct.stride(d);
        tile = Math.min(n, TILE);
        scaleOfPowers = (float) (op.scale / LN_2);
        scratch = new Scratch[workers.threads()];
        Arrays.setAll(scratch, worker -> new Scratch(n, d, wide, tile, op.dy != null));
    }

    /** One worker's copies and tiles; matrices of tokens have rows of {@code wide}, those across rows of queries. */
    private static final class Scratch {
        final float[] keys;
        final float[] values;
        final float[] queries;
        final float[] queriesAcross;
        final float[] gradients;
        final float[] gradientsAcross;
        final float[] weights;
        final float[] slopes;
        final float[] result;
        final float[] dk;
        final float[] dv;
        /** Of each query of a tile. */
        final float[] offsets;

        final float[] sums;
        final Transposition transposition = new Transposition();

        Scratch(int n, int d, int wide, int tile, boolean training) {
            int rows = TileProduct.paddedRows(n);
            int across = TileProduct.stride(tile);
            keys = new float[rows * wide];
            values = new float[rows * wide];
            queries = new float[TileProduct.paddedColumns(tile) * wide];
            queriesAcross = new float[TileProduct.paddedColumns(d) * across];
            // A product with the tile's columns for rows runs past the last one.
            weights = new float[rows * across + TileProduct.paddedRows(tile)];
            result = new float[TileProduct.paddedRows(tile) * wide];
            offsets = new float[across];
            sums = new float[across];
            gradients = new float[training ? queries.length : 0];
            gradientsAcross = new float[training ? queriesAcross.length : 0];
            slopes = new float[training ? weights.length : 0];
            dk = new float[training ? keys.length : 0];
            dv = new float[training ? keys.length : 0];
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

    /** Head by head, each in a call: a loop that takes in all that a head needs is compiled several times, at seconds each. */
    private void attend(int worker, int from, int to) {
        for (int head = from; head < to; head++) {
            attend(scratch[worker], head);
        }
    }

    private void attend(Scratch s, int head) {
        long in = first(op.in, head);
        long out = first(op.out, head);
        copy(op.k, in + op.start(1), op.in.token(), n, s.keys);
        copy(op.v, in + op.start(2), op.in.token(), n, s.values);
        for (int first = 0; first < n; first += tile) {
            int rows = Math.min(tile, n - first);
            int across = TileProduct.stride(rows);
            copy(op.q, in + op.start(0) + (long) first * op.in.token(), op.in.token(), rows, s.queries);
            s.transposition.transpose(s.queries, wide, rows, d, s.queriesAcross, across, scaleOfPowers);
            TileProduct.multiply(s.weights, across, s.keys, wide, 1, s.queriesAcross, across, n, rows, d, false);
            SoftmaxTile.weights(s.weights, across, n, rows, s.offsets, s.sums);
            TileProduct.multiply(s.result, wide, s.weights, 1, across, s.values, wide, rows, d, n, false);
            long logSums = (long) head * n + first;
            for (int row = 0; row < rows; row++) {
                double logSum = Math.log(s.sums[row]) - s.offsets[row] * LN_2;
                set(op.logSum.data(), logSums + row, (float) logSum);
                long at = out + (long) (first + row) * op.out.token();
                store(s.result, row * wide, 1 / s.sums[row], op.y.data(), at);
            }
        }
    }

    private void differentiate(int worker, int from, int to) {
        for (int head = from; head < to; head++) {
            differentiate(scratch[worker], head);
        }
    }

    /** With P the softmax and D = rows of (y . dy): dv = P^T dy, dS = P (dy v^T - D), dq = scale dS k, dk = scale dS^T q. */
    private void differentiate(Scratch s, int head) {
        // The softmax of one score is 1 whatever the score: its slope vanishes exactly, which a difference would not.
        float slope = n == 1 ? 0 : (float) op.scale;
        long in = first(op.in, head);
        long out = first(op.out, head);
        copy(op.k, in + op.start(1), op.in.token(), n, s.keys);
        copy(op.v, in + op.start(2), op.in.token(), n, s.values);
        for (int first = 0; first < n; first += tile) {
            int rows = Math.min(tile, n - first);
            int across = TileProduct.stride(rows);
            long q = in + op.start(0) + (long) first * op.in.token();
            long y = out + (long) first * op.out.token();
            copy(op.q, q, op.in.token(), rows, s.queries);
            copy(op.dy, y, op.out.token(), rows, s.gradients);
            s.transposition.transpose(s.queries, wide, rows, d, s.queriesAcross, across, scaleOfPowers);
            s.transposition.transpose(s.gradients, wide, rows, d, s.gradientsAcross, across, 1);
            TileProduct.multiply(s.weights, across, s.keys, wide, 1, s.queriesAcross, across, n, rows, d, false);
            TileProduct.multiply(s.slopes, across, s.values, wide, 1, s.gradientsAcross, across, n, rows, d, false);
            for (int row = 0; row < rows; row++) {
                s.offsets[row] = (float) (-get(op.logSum.data(), (long) head * n + first + row) / LN_2);
            }
            SoftmaxTile.slopes(s.slopes, s.weights, across, n, rows, s.offsets, slope);
            boolean add = first > 0;
            TileProduct.multiply(s.dv, wide, s.weights, across, 1, s.gradients, wide, n, d, rows, add);
            TileProduct.multiply(s.dk, wide, s.slopes, across, 1, s.queries, wide, n, d, rows, add);
            TileProduct.multiply(s.result, wide, s.slopes, 1, across, s.keys, wide, rows, d, n, false);
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
