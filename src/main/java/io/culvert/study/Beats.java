package io.culvert.study;

import java.time.Duration;

/** Keeps a claim alive from a thread beside the work. */
final class Beats implements AutoCloseable {
    private static final int PER_DEATH = 6;

    private final Thread thread;

    private Beats(Thread thread) {
        this.thread = thread;
    }

    /** @param dead after how long without a beat others take over */
    static Beats of(Claim claim, Duration dead) {
        Thread thread = Thread.ofPlatform().daemon().name("beats").start(() -> {
            try {
                while (true) {
                    Thread.sleep(dead.dividedBy(PER_DEATH));
                    claim.beat();
                }
            } catch (InterruptedException e) {
                // closed
            }
        });
        return new Beats(thread);
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
