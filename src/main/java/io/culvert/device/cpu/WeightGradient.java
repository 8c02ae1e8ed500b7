package io.culvert.device.cpu;

import java.lang.foreign.MemorySegment;

/**
 * {@code dW += dy^T x} over any number of chunks of rows, dW {@code [out, in]}. oneDNN is faster by a sixth where the result's rows
 * are its longer side: a weight that is higher than wide gets its gradient transposed, in memory that all share, and at the end
 * from there.
 */
public final class WeightGradient {
    /** Those before are {@link PackedProduct}'s. */
    private static final int FIRST_SLOT = 2;

    /** With fewer rows the product saves less than the transposition takes. */
    private static final int MANY = 1024;

    /**
     * Columns of a worker: with as many, all can be our own workers'. oneDNN's would have to be woken for each product, on cores
     * where ours still look for work.
     */
    private static final int FEWEST = 48;

    /** Of dW that are written in turn: a cache line of the transposed. */
    private static final int LINE = 64 / Float.BYTES;

    private final OneDnn dnn;
    private final Workers workers;
    private final int in;
    private final int out;
    private final int slot;
    private final boolean across;
    private final Workers.Range product = this::multiply;
    private final Workers.Range task = this::transpose;
    private long a;
    private long b;
    private int m;
    private int n;
    private int rows;
    private MemorySegment gradient;
    private MemorySegment sums;
    private float keep;
    private float beta;

    /**
     * For one weight.
     *
     * @param slot 0 or 1; two gradients whose chunks come in turns need different ones
     * @param rows of all chunks together
     */
    public WeightGradient(OneDnn dnn, Workers workers, int slot, int rows, int in, int out) {
        this.dnn = dnn;
        this.workers = workers;
        this.in = in;
        this.out = out;
        this.slot = FIRST_SLOT + slot;
        across = out > in && rows >= MANY;
        if (across) {
            dnn.packing(this.slot).reserve((long) in * out * Float.BYTES);
        }
    }

    /**
     * Begins.
     *
     * @param gradient {@code [out, in]}
     * @param keep what its old values are multiplied with
     */
    public void start(MemorySegment gradient, float keep) {
        this.gradient = gradient;
        this.keep = keep;
        sums = across ? dnn.packing(slot).memory() : gradient;
        beta = across ? 0 : keep;
    }

    /** Adds a chunk: dy {@code [rows, out]}, x {@code [rows, in]}. */
    public void add(MemorySegment dy, MemorySegment x, int rows) {
        if (across) {
            multiply(x, in, dy, out, rows);
        } else {
            multiply(dy, out, x, in, rows);
        }
        beta = 1;
    }

    /** {@code sums = beta sums + a^T b}, a {@code [rows, m]}, b {@code [rows, n]}. */
    private void multiply(MemorySegment a, int m, MemorySegment b, int n, int rows) {
        if (n < FEWEST * workers.threads()) {
            dnn.sgemm('T', 'N', m, n, rows, 1, a, m, b, n, beta, sums, n);
            return;
        }
        this.a = a.address();
        this.m = m;
        this.b = b.address();
        this.n = n;
        this.rows = rows;
        workers.run(n, Math.ceilDiv(n, workers.threads() * LINE) * LINE, product);
    }

    private void multiply(int worker, int from, int to) {
        long columns = (long) from * Float.BYTES;
        dnn.sgemmAlone('T', 'N', m, to - from, rows, a, m, b + columns, n, beta, sums.address() + columns, n);
    }

    /** Ends, after which the gradient is complete. */
    public void finish() {
        if (across) {
            workers.run(out, LINE, task);
        }
    }

    private void transpose(int worker, int from, int to) {
        for (int first = from; first < to; first += LINE) {
            int last = Math.min(to, first + LINE);
            for (int i = 0; i < in; i++) {
                for (int o = first; o < last; o++) {
                    long at = (long) o * in + i;
                    float sum = Simd.get(sums, (long) i * out + o);
                    // What is replaced may be anything.
                    Simd.set(gradient, at, keep == 0 ? sum : Math.fma(keep, Simd.get(gradient, at), sum));
                }
            }
        }
    }
}
