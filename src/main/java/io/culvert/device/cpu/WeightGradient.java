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

    /** Columns of a share at least, or the rows of the result are shared instead. */
    private static final int FEWEST = 48;

    /** Products of numbers that are done before a helper wakes. */
    private static final long FEW = 1 << 18;

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
    private final int m;
    private final int n;
    private long a;
    private long b;
    private int rows;
    private MemorySegment gradient;
    private MemorySegment sums;
    private float keep;
    private float first;
    private float beta;
    private boolean begun;

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
        m = across ? in : out;
        n = across ? out : in;
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
        first = across ? 0 : keep;
        begun = false;
    }

    /** Adds a chunk: dy {@code [rows, out]}, x {@code [rows, in]}. */
    public void add(MemorySegment dy, MemorySegment x, int rows) {
        give(dy, x, rows);
        if ((long) m * n * rows < FEW) {
            multiply(0, 0, workers.threads());
        } else {
            workers.run(workers.threads(), 1, product);
        }
    }

    /** Says of which chunk {@link #multiply} is; it must be done with the one before. */
    public void give(MemorySegment dy, MemorySegment x, int rows) {
        beta = begun ? 1 : first;
        begun = true;
        a = across ? x.address() : dy.address();
        b = across ? dy.address() : x.address();
        this.rows = rows;
    }

    /**
     * Adds the chunk to some of as many parts of the gradient as there are workers: {@code sums = beta sums + a^T b}, a {@code [rows,
     * m]}, b {@code [rows, n]}.
     */
    public void multiply(int worker, int from, int to) {
        boolean byColumns = n >= FEWEST * workers.threads();
        int all = byColumns ? n : m;
        long begin = edge(all, from);
        long count = edge(all, to) - begin;
        if (count == 0) {
            return;
        }
        long bytes = begin * Float.BYTES;
        if (byColumns) {
            dnn.sgemmAlone('T', 'N', m, count, rows, a, m, b + bytes, n, beta, sums.address() + bytes, n);
        } else {
            dnn.sgemmAlone('T', 'N', count, n, rows, a + bytes, m, b, n, beta, sums.address() + bytes * n, n);
        }
    }

    /** Where a part of so many begins: whole lines. */
    private int edge(int all, int part) {
        return Math.min(all, Math.ceilDiv(all, LINE) * part / workers.threads() * LINE);
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
