package io.culvert.ops.attention;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.OneDnn;
import io.culvert.device.cpu.Simd;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import java.lang.foreign.MemorySegment;

/**
 * A few heads of an image at a time for each worker, and of their matrices a tile of queries, all of which stays in the worker's cache.
 * The tile lies with a key's row of queries after another, so that a vector holds as many queries: maxima and sums over the
 * keys need nothing across its lanes. The products are oneDNN's and read and write tokens where they lie.
 */
final class CpuAttention implements OpKernel {
    /** Queries of a tile at most: with as many keys, scores and their gradients take 512 KiB of a second-level cache. */
    private static final int TILE = 256;

    /** Bytes of a group's scores at most, if it is more than a head. */
    private static final long GROUP = 512 << 10;

    /** Groups of heads for each worker at least, that all have work until the end; or a group is a head. */
    private static final int SHARES = 8;

    /** Elements of a cache line, which holds whole vectors. */
    private static final int LINE = 64 / Float.BYTES;

    private final Workers workers;
    private final AttentionOp op;
    private final int n;
    private final int d;
    /** Elements from a key's row of queries to the next. */
    private final int across;
    /** Of scores, as exponents of 2. */
    private final float scaleOfPowers;

    /** Of a head's scores, and as much of their gradients. */
    private final long tileBytes;

    /** Heads of a group; they divide those of an image. */
    private final int heads;

    private final Worker[] each;
    private final Workers.Range forwardTask = this::attend;
    private final Workers.Range backwardTask = this::differentiate;

    CpuAttention(CpuDevice cpu, AttentionOp op) {
        this.op = op;
        workers = cpu.workers();
        n = op.tokens;
        d = op.headDim;
        int count = Math.ceilDiv(n, TILE);
        across = Math.ceilDiv(Math.ceilDiv(n, count), LINE) * LINE;
        tileBytes = (long) n * across * Float.BYTES;
        scaleOfPowers = (float) (op.scale / Math.log(2));
        heads = headsOfGroup();
        each = new Worker[workers.threads()];
        for (int worker = 0; worker < each.length; worker++) {
            each[worker] = new Worker(cpu.oneDnn(), worker);
        }
    }

    private int headsOfGroup() {
        int most = 1;
        for (int group = 2; group <= op.heads; group++) {
            boolean fits = group * tileBytes <= GROUP;
            boolean shared = op.images * op.heads / group >= SHARES * workers.threads();
            if (op.heads % group == 0 && fits && shared) {
                most = group;
            }
        }
        return most;
    }

    /** One worker's products and memory. */
    private final class Worker {
        final HeadTile[] tiles;
        /** Of each head's queries of a tile. */
        final float[] offsets = new float[heads * across];

        final float[] inverses = new float[heads * across];
        final ScoreMemory memory;

        Worker(OneDnn dnn, int worker) {
            int whole = Math.min(n, across);
            int count = Math.ceilDiv(n, whole);
            HeadTile first = new HeadTile(dnn, op, heads, whole, across, false);
            HeadTile further = count > 2 ? new HeadTile(dnn, op, heads, whole, across, true) : null;
            HeadTile last = count > 1 ? new HeadTile(dnn, op, heads, n - (count - 1) * whole, across, true) : null;
            tiles = new HeadTile[count];
            long bytes = 0;
            for (int i = 0; i < count; i++) {
                tiles[i] = i == 0 ? first : i < count - 1 ? further : last;
                bytes = Math.max(bytes, tiles[i].scratchBytes());
            }
            memory = new ScoreMemory(dnn.workspace(worker), heads * tileBytes, bytes);
        }
    }

    @Override
    public void forward() {
        workers.run(op.images * op.heads / heads, 1, forwardTask);
    }

    @Override
    public void backward() {
        workers.run(op.images * op.heads / heads, 1, backwardTask);
    }

    /** The first element of a head, counted over all images. */
    private long first(AttentionOp.Strides strides, int head) {
        return (long) (head / op.heads) * strides.image() + (long) (head % op.heads) * strides.head();
    }

    /** Group by group, each in a call: a loop that takes in all that one needs is compiled several times, at seconds each. */
    private void attend(int worker, int from, int to) {
        for (int group = from; group < to; group++) {
            attend(each[worker], group * heads);
        }
    }

    /** Of the group that begins with this head. */
    private void attend(Worker w, int head) {
        long in = first(op.in, head) * Float.BYTES;
        long out = first(op.out, head);
        long q = op.address(op.q, 0) + in;
        long k = op.address(op.k, 1) + in;
        long v = op.address(op.v, 2) + in;
        long weights = w.memory.weights().address();
        int query = 0;
        for (HeadTile tile : w.tiles) {
            long y = out + (long) query * op.out.token();
            long ofQ = q + (long) query * op.in.token() * Float.BYTES;
            tile.scores.multiply(k, ofQ, weights, w.memory.scratch());
            for (int i = 0; i < heads; i++) {
                SoftmaxTile.weights(
                        w.memory.weights(), i * tileBytes, across, n, tile.queries, scaleOfPowers, w.offsets, w.inverses, i * across);
            }
            tile.result.multiply(weights, v, op.y.address() + y * Float.BYTES, w.memory.scratch());
            for (int i = 0; i < heads; i++) {
                finish(w, i * across, tile.queries, y + i * (long) op.out.head(), (long) (head + i) * n + query);
            }
            query += tile.queries;
        }
    }

    /** Divides y by the sums of the weights, and keeps their offsets. */
    private void finish(Worker w, int first, int queries, long y, long offsets) {
        MemorySegment.copy(w.offsets, first, op.logSum.data(), JAVA_FLOAT, offsets * Float.BYTES, queries);
        for (int row = 0; row < queries; row++) {
            Simd.scale(op.y.data(), y + (long) row * op.out.token(), d, w.inverses[first + row]);
        }
    }

    private void differentiate(int worker, int from, int to) {
        for (int group = from; group < to; group++) {
            differentiate(each[worker], group * heads);
        }
    }

    /** With P the softmax and D = rows of (y . dy): dv = P^T dy, dS = P (dy v^T - D), dq = scale dS k, dk = scale dS^T q. */
    private void differentiate(Worker w, int head) {
        long in = first(op.in, head) * Float.BYTES;
        long out = first(op.out, head) * Float.BYTES;
        long k = op.address(op.k, 1) + in;
        long v = op.address(op.v, 2) + in;
        long dk = op.address(op.dk, 1) + in;
        long dv = op.address(op.dv, 2) + in;
        long weights = w.memory.weights().address();
        long slopes = w.memory.slopes().address();
        int query = 0;
        for (HeadTile tile : w.tiles) {
            long at = (long) query * op.in.token() * Float.BYTES + in;
            long q = op.address(op.q, 0) + at;
            long dy = op.dy.address() + out + (long) query * op.out.token() * Float.BYTES;
            tile.scores.multiply(k, q, weights, w.memory.scratch());
            tile.slopes.multiply(v, dy, slopes, w.memory.scratch());
            for (int i = 0; i < heads; i++) {
                differentiateScores(w, i, tile.queries, (long) (head + i) * n + query);
            }
            tile.dv.multiply(weights, dy, dv, w.memory.scratch());
            tile.dk.multiply(slopes, q, dk, w.memory.scratch());
            tile.dq.multiply(slopes, k, op.address(op.dq, 0) + at, w.memory.scratch());
            query += tile.queries;
        }
    }

    /** Of a head of the group. */
    private void differentiateScores(Worker w, int head, int queries, long offsets) {
        // The softmax of one score is 1 whatever the score: its slope vanishes exactly, which a difference would not.
        float slope = n == 1 ? 0 : (float) op.scale;
        int first = head * across;
        MemorySegment.copy(op.logSum.data(), JAVA_FLOAT, offsets * Float.BYTES, w.offsets, first, queries);
        SoftmaxTile.slopes(
                w.memory.slopes(), w.memory.weights(), head * tileBytes, across, n, queries, scaleOfPowers, w.offsets, first, slope);
    }
}
