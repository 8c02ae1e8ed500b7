package io.culvert.data;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The ring of batches between the loader threads and the trainer. Threads claim one image after another in the order of
 * the schedule, up to the ring's depth ahead of the trainer, and park when the ring is full.
 */
final class BatchRing {
    private enum State {
        FREE,
        FILLING,
        READY,
        TAKEN
    }

    private static final class Slot {
        final Batch batch;
        State state = State.FREE;
        int unfinished;
        Throwable failure;
        int failedPosition;

        Slot(Batch batch) {
            this.batch = batch;
        }
    }

    /** One image to load: its place in a batch. An instance belongs to one thread. */
    static final class Claim {
        Batch batch;
        int position;
        private Slot slot;
    }

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition slotFreed = lock.newCondition();
    private final Condition batchReady = lock.newCondition();
    private final Slot[] slots;
    private final Schedule schedule;
    private final long end;
    private long claimBatch;
    private int claimPosition;
    private long nextBatch;
    private Throwable fatal;
    private boolean closed;
    private long waitNanos;

    BatchRing(Batch[] batches, Schedule schedule) {
        this.schedule = schedule;
        this.end = schedule.end();
        this.claimBatch = schedule.first();
        this.nextBatch = schedule.first();
        this.slots = new Slot[batches.length];
        for (int i = 0; i < batches.length; i++) {
            slots[i] = new Slot(batches[i]);
        }
    }

    private Slot slot(long number) {
        return slots[(int) (number % slots.length)];
    }

    /** Waits for the next image to load; false when there is none left or the ring is closed. */
    boolean claim(Claim claim) {
        lock.lock();
        try {
            while (!closed && claimBatch < end && claimPosition == 0 && slot(claimBatch).state != State.FREE) {
                slotFreed.awaitUninterruptibly();
            }
            if (closed || claimBatch >= end) {
                return false;
            }
            Slot slot = slot(claimBatch);
            if (claimPosition == 0) {
                schedule.open(slot.batch, claimBatch);
                slot.state = State.FILLING;
                slot.unfinished = slot.batch.count();
                slot.failure = null;
            }
            claim.slot = slot;
            claim.batch = slot.batch;
            claim.position = claimPosition++;
            if (claimPosition == slot.batch.count()) {
                claimPosition = 0;
                claimBatch++;
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Says that a claimed image is loaded, or why not (null: it is). */
    void finish(Claim claim, Throwable failure) {
        lock.lock();
        try {
            Slot slot = claim.slot;
            // The first image of the batch that failed is the one to name, whichever thread was faster.
            if (failure != null && (slot.failure == null || claim.position < slot.failedPosition)) {
                slot.failure = failure;
                slot.failedPosition = claim.position;
            }
            if (--slot.unfinished == 0) {
                slot.state = State.READY;
                batchReady.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Says that a loader thread cannot go on at all. */
    void fail(Throwable failure) {
        lock.lock();
        try {
            fatal = failure;
            batchReady.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Waits for the next batch; null after the last one. */
    Batch next() throws Throwable {
        lock.lock();
        try {
            if (nextBatch >= end) {
                return null;
            }
            Slot slot = slot(nextBatch);
            if (slot.state == State.TAKEN) {
                throw new IllegalStateException("all " + slots.length + " batches are taken; release one first");
            }
            awaitReady(slot);
            if (slot.failure != null) {
                throw slot.failure;
            }
            slot.state = State.TAKEN;
            nextBatch++;
            return slot.batch;
        } finally {
            lock.unlock();
        }
    }

    private void awaitReady(Slot slot) throws Throwable {
        long start = System.nanoTime();
        try {
            while (!closed && fatal == null && slot.state != State.READY) {
                batchReady.await();
            }
        } finally {
            waitNanos += System.nanoTime() - start;
        }
        if (closed) {
            throw new IllegalStateException("the loader is closed");
        }
        if (fatal != null) {
            throw fatal;
        }
    }

    void release(Batch batch) {
        lock.lock();
        try {
            for (Slot slot : slots) {
                if (slot.batch == batch && slot.state == State.TAKEN) {
                    slot.state = State.FREE;
                    slotFreed.signalAll();
                    return;
                }
            }
            throw new IllegalStateException("this batch is not taken");
        } finally {
            lock.unlock();
        }
    }

    long waitNanos() {
        lock.lock();
        try {
            return waitNanos;
        } finally {
            lock.unlock();
        }
    }

    void close() {
        lock.lock();
        try {
            closed = true;
            slotFreed.signalAll();
            batchReady.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
