package io.culvert.data;

import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The ring of batches between the loader threads and the trainer. Threads claim one image after another in the order of
 * the schedule, up to the ring's depth ahead of the trainer, and park when the ring is full.
 */
final class BatchRing<B extends Batch> {
    private enum State {
        FREE,
        FILLING,
        READY,
        TAKEN
    }

    private static final class Slot<B> {
        final B batch;
        State state = State.FREE;
        int unfinished;
        Throwable failure;
        int failedPosition;

        Slot(B batch) {
            this.batch = batch;
        }
    }

    /** One image to load: its place in a batch. An instance belongs to one thread. */
    static final class Claim<B> {
        B batch;
        int position;
        private Slot<B> slot;
    }

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition slotFreed = lock.newCondition();
    private final Condition batchReady = lock.newCondition();
    private final List<Slot<B>> slots;
    private final Schedule schedule;
    private final long end;
    private long claimBatch;
    private int claimPosition;
    private long nextBatch;
    private Throwable fatal;
    private boolean closed;
    private long waitNanos;

    BatchRing(List<B> batches, Schedule schedule) {
        this.schedule = schedule;
        this.end = schedule.end();
        this.claimBatch = schedule.first();
        this.nextBatch = schedule.first();
        this.slots = batches.stream().map(Slot::new).toList();
    }

    private Slot<B> slot(long number) {
        return slots.get((int) (number % slots.size()));
    }

    /** Waits for the next image to load; false when there is none left or the ring is closed. */
    boolean claim(Claim<B> claim) {
        lock.lock();
        try {
            while (!closed && claimBatch < end && claimPosition == 0 && slot(claimBatch).state != State.FREE) {
                slotFreed.awaitUninterruptibly();
            }
            if (closed || claimBatch >= end) {
                return false;
            }
            Slot<B> slot = slot(claimBatch);
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
    void finish(Claim<B> claim, Throwable failure) {
        lock.lock();
        try {
            Slot<B> slot = claim.slot;
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

    /**
     * Takes the next batch; null after the last one.
     *
     * @param wait for it; else null too if it is not there, for which a failure is a reason that a call that waits tells
     */
    B take(boolean wait) throws Throwable {
        lock.lock();
        try {
            if (nextBatch >= end) {
                return null;
            }
            Slot<B> slot = slot(nextBatch);
            if (slot.state == State.TAKEN) {
                throw new IllegalStateException("all " + slots.size() + " batches are taken; release one first");
            }
            if (!wait && (slot.state != State.READY || slot.failure != null || fatal != null || closed)) {
                return null;
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

    void release(B batch) {
        lock.lock();
        try {
            for (int i = 0; i < slots.size(); i++) {
                Slot<B> slot = slots.get(i);
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
