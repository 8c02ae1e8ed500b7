package io.culvert.device.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * The threads that run our own CPU kernels: the caller and {@code threads - 1} helpers, each given one contiguous
 * share of the work. The split depends on the count and the number of threads alone, so results repeat bit for bit.
 * Helpers spin briefly and then park, leaving the cores to oneDNN's own pool between our kernels.
 */
public final class Workers implements AutoCloseable {
    /** A kernel's loop body over the half-open range of rows {@code [from, to)}. */
    public interface Range {
        void run(int worker, int from, int to);
    }

    private static final int SPINS = 2_000;

    private final Thread[] helpers;
    private final AtomicInteger pending = new AtomicInteger();
    private volatile int generation;
    private volatile boolean closed;
    private volatile Throwable failure;
    private Range task;
    private int count;
    private int grain;

    public Workers(int threads) {
        helpers = new Thread[threads - 1];
        for (int i = 0; i < helpers.length; i++) {
            int worker = i + 1;
            helpers[i] = Thread.ofPlatform().daemon().name("culvert-compute-" + worker).unstarted(() -> help(worker));
            helpers[i].start();
        }
    }

    public int threads() {
        return helpers.length + 1;
    }

    /** Runs {@code task} over {@code [0, count)}, shares cut at multiples of {@code grain}; returns when all are done. */
    public void run(int count, int grain, Range task) {
        if (helpers.length == 0 || count <= grain) {
            task.run(0, 0, count);
            return;
        }
        this.task = task;
        this.count = count;
        this.grain = grain;
        pending.set(helpers.length);
        int next = generation + 1; // the caller is the only writer
        generation = next;
        for (Thread helper : helpers) {
            LockSupport.unpark(helper);
        }
        try {
            runShare(0, task, count, grain);
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

    private void runShare(int worker, Range task, int count, int grain) {
        int chunks = (count + grain - 1) / grain;
        int threads = threads();
        int from = (int) ((long) chunks * worker / threads) * grain;
        int to = Math.min(count, (int) ((long) chunks * (worker + 1) / threads) * grain);
        if (from < to) {
            task.run(worker, from, to);
        }
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
                runShare(worker, task, count, grain);
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
