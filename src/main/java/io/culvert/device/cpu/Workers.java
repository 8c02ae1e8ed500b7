package io.culvert.device.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;

/**
 * The threads that run our own CPU kernels: the caller and {@code threads - 1} helpers, each given one contiguous
 * share of the work, in pieces for whoever is early, from its beginning and from its end in turn. Shares and pieces depend on the count and the number of threads
 * alone, so results repeat bit for bit. Helpers spin briefly and then park, leaving the cores to oneDNN's own pool between our
 * kernels.
 */
public final class Workers implements AutoCloseable {
    /** A kernel's loop body over the half-open range of rows {@code [from, to)}. */
    public interface Range {
        void run(int worker, int from, int to);
    }

    /** As {@link Range}, for what is added up: into an account for each piece, whoever computes it. */
    public interface Piece {
        void run(int worker, int piece, int from, int to);
    }

    private static final int SPINS = 2_000;

    /** Of a share's pieces, in sixteenths: the last are small from either end, so that all workers end at about the same time. */
    private static final int[] EDGES = {0, 1, 2, 4, 6, 8, 10, 12, 14, 15, 16};

    private static final int PIECES = EDGES.length - 1;

    /** From one share's claims to the next: in cache lines of their own. */
    private static final int APART = 32;

    private final Thread[] helpers;
    private final AtomicInteger pending = new AtomicInteger();
    private volatile int generation;
    private volatile boolean closed;
    private volatile Throwable failure;
    /** Of each share, how many pieces are taken. */
    private final AtomicIntegerArray taken;

    /** Null for none. */
    private Range first;

    private Range range;
    /** If there is no range. */
    private Piece piece;

    private int count;
    private int grain;

    public Workers(int threads) {
        helpers = new Thread[threads - 1];
        taken = new AtomicIntegerArray(threads * APART);
        for (int i = 0; i < helpers.length; i++) {
            int worker = i + 1;
            helpers[i] = Thread.ofPlatform().daemon().name("culvert-compute-" + worker).unstarted(() -> help(worker));
            helpers[i].start();
        }
    }

    public int threads() {
        return helpers.length + 1;
    }

    /** How many pieces work is cut into, at most. */
    public int pieces() {
        return PIECES * threads();
    }

    /**
     * Runs {@code task} over {@code [0, count)}, cut at multiples of {@code grain}; returns when all is done. A worker may be called
     * several times, and which worker gets a piece is open: a task must not ask.
     */
    public void run(int count, int grain, Range task) {
        run(null, count, grain, task, null);
    }

    /** As the other, for a task that adds up. */
    public void run(int count, int grain, Piece task) {
        run(null, count, grain, null, task);
    }

    /**
     * As the other, and besides {@code first}, if it is not null, over {@code [0, threads())}: for work that is better not cut finer.
     * It is begun before, so that the pieces of the task even out how long its parts take; neither may need the other.
     */
    public void run(Range first, int count, int grain, Piece task) {
        run(first, count, grain, null, task);
    }

    private void run(Range first, int count, int grain, Range range, Piece piece) {
        this.first = first;
        this.range = range;
        this.piece = piece;
        this.count = count;
        this.grain = grain;
        if (helpers.length == 0 || count <= grain) {
            if (first != null) {
                first.run(0, 0, threads());
            }
            run(0, 0, 0, count);
            return;
        }
        for (int share = 0; share < threads(); share++) {
            taken.setPlain(share * APART, 0);
        }
        pending.set(helpers.length);
        int next = generation + 1; // the caller is the only writer
        generation = next;
        for (Thread helper : helpers) {
            LockSupport.unpark(helper);
        }
        try {
            work(0);
        } finally {
            awaitHelpers();
        }
        Throwable thrown = failure;
        if (thrown != null) {
            failure = null;
            throw new IllegalStateException("a compute thread failed: " + thrown, thrown);
        }
    }

    private void awaitHelpers() {
        int spins = 0;
        while (pending.get() != 0) {
            if (++spins < SPINS) {
                Thread.onSpinWait();
            } else {
                Thread.yield();
            }
        }
    }

    /** A worker's own share, and what others have not begun of theirs. */
    private void work(int worker) {
        int threads = threads();
        int before = first == null ? 0 : 1;
        // From the end of a share every other time: what was touched last before is still in the caches.
        boolean downwards = generation % 2 != 0;
        for (int away = 0; away < threads; away++) {
            int share = (worker + away) % threads;
            int i = taken.getAndIncrement(share * APART) - before;
            while (i < PIECES) {
                if (i < 0) {
                    first.run(worker, share, share + 1);
                } else {
                    int position = downwards ? PIECES - 1 - i : i;
                    run(worker, share * PIECES + position, at(share, position), at(share, position + 1));
                }
                i = taken.getAndIncrement(share * APART) - before;
            }
        }
    }

    private void run(int worker, int index, int from, int to) {
        if (from >= to) {
            return;
        }
        if (range != null) {
            range.run(worker, from, to);
        } else {
            piece.run(worker, index, from, to);
        }
    }

    /** Where a piece of a share begins. */
    private int at(int share, int piece) {
        int chunks = (count + grain - 1) / grain;
        int first = (int) ((long) chunks * share / threads());
        int next = (int) ((long) chunks * (share + 1) / threads());
        return Math.min(count, (first + (int) ((long) (next - first) * EDGES[piece] / EDGES[PIECES])) * grain);
    }

    private void help(int worker) {
        int seen = 0;
        while (!closed) {
            int spins = 0;
            while (generation == seen && !closed) {
                if (++spins < SPINS) {
                    Thread.onSpinWait();
                } else {
                    LockSupport.park(this);
                }
            }
            if (closed) {
                return;
            }
            seen = generation;
            try {
                work(worker);
            } catch (Throwable thrown) {
                failure = thrown;
            } finally {
                pending.decrementAndGet();
            }
        }
    }

    @Override
    public void close() {
        closed = true;
        for (Thread helper : helpers) {
            LockSupport.unpark(helper);
        }
    }
}
