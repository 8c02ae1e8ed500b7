package io.culvert.data;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;

/** Runs one task on several threads and waits for all of them. */
final class DecodingThreads {
    private DecodingThreads() {}

    /** @throws RuntimeException the first that a thread threw; the task must see to it that the others end too */
    static void run(String name, int count, Runnable task) {
        AtomicReference<Throwable> failure = new AtomicReference<>();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Thread.Builder builder = Thread.ofPlatform().daemon().name(name + "-" + i);
            threads.add(builder.uncaughtExceptionHandler((thread, e) -> failure.compareAndSet(null, e)).start(task));
        }
        try {
            for (Thread thread : threads) {
                thread.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while looking at images", e);
        }
        if (failure.get() instanceof RuntimeException e) {
            throw e;
        } else if (failure.get() != null) {
            throw new IllegalStateException("a thread that looks at images failed", failure.get());
        }
    }
}
