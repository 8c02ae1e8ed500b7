package io.culvert.profile;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Looks every few milliseconds at which lines of code the trainer's and the loader's threads are, while steps are timed. */
public final class StackSampler implements AutoCloseable {
    private static final long MILLIS = 20;
    private static final String OURS = "io.culvert.";
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    /** A thread seen at a line: the innermost of Culvert, and what it called if that is not Culvert's. */
    record Sample(Thread thread, long nanos, String line) {}

    private final Thread trainer;
    private final Supplier<List<LoaderClock>> loaders;
    private final BooleanSupplier wanted;
    private final List<Sample> samples = new ArrayList<>();
    private final Thread sampling;
    private volatile boolean closed;
    private long busyNanos;

    StackSampler(Thread trainer, Supplier<List<LoaderClock>> loaders, BooleanSupplier wanted) {
        this.trainer = trainer;
        this.loaders = loaders;
        this.wanted = wanted;
        sampling = Thread.ofPlatform().daemon().name("culvert-profile").start(this::run);
    }

    private void run() {
        while (!closed) {
            if (wanted.getAsBoolean()) {
                long start = THREADS.getCurrentThreadCpuTime();
                look(trainer);
                loaders.get().forEach(loader -> look(loader.thread()));
                busyNanos += THREADS.getCurrentThreadCpuTime() - start;
            }
            try {
                TimeUnit.MILLISECONDS.sleep(MILLIS);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private void look(Thread thread) {
        long now = System.nanoTime();
        String line = line(thread.getStackTrace());
        if (line != null) {
            samples.add(new Sample(thread, now, line));
        }
    }

    /** {@code "ViewLoader.load:133 in Thread.sleep"}; null if no line is Culvert's. */
    static String line(StackTraceElement[] stack) {
        String called = "";
        for (StackTraceElement frame : stack) {
            String name = frame.getClassName();
            if (name.startsWith(OURS) && !name.startsWith(OURS + "bindings.")) {
                return method(frame) + (frame.getLineNumber() > 0 ? ":" + frame.getLineNumber() : "")
                        + (called.isEmpty() ? "" : " in " + called);
            }
            boolean internal = name.startsWith("jdk.internal.") || name.startsWith("java.lang.invoke.");
            if (called.isEmpty() || !internal) {
                // Of what the library calls inside, the name nearest to our code says most.
                called = method(frame);
            }
        }
        return null;
    }

    private static String method(StackTraceElement frame) {
        String name = frame.getClassName();
        String simple = name.substring(name.lastIndexOf('.') + 1);
        return simple + "." + frame.getMethodName().replaceAll("^lambda\\$(.*)\\$\\d+$", "$1");
    }

    /** What was seen; complete once closed. */
    List<Sample> samples() {
        return samples;
    }

    /** Time on a core that looking took. */
    long busyNanos() {
        return busyNanos;
    }

    @Override
    public void close() {
        closed = true;
        try {
            sampling.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
