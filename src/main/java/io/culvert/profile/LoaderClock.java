package io.culvert.profile;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.List;

/** Splits the time of one of the loader's threads, as {@link StepClock} does that of the trainer's. Calls come from that thread. */
public final class LoaderClock {
    /** What a loader's thread does. */
    public enum Task {
        IDLE("idle: enough is loaded"),
        DECODE("reading and decoding"),
        RENDER("making views");

        private final String label;

        Task(String label) {
            this.label = label;
        }

        public String label() {
            return label;
        }
    }

    /** A lap in nanoseconds; {@code cpu} is what of it the thread was on a core. */
    record Span(Task task, long begin, long end, long cpu) {}

    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private final Profiler profiler;
    private final Thread thread;
    private final List<Span> spans = new ArrayList<>();
    private long last;
    private long lastCpu;

    private LoaderClock(Profiler profiler, Thread thread) {
        this.profiler = profiler;
        this.thread = thread;
    }

    /** The clock of the calling thread; one that does nothing when no profile is being made. */
    public static LoaderClock open() {
        Profiler profiler = Profiler.active();
        LoaderClock clock = new LoaderClock(profiler, Thread.currentThread());
        if (profiler != null) {
            profiler.add(clock);
        }
        return clock;
    }

    /** Ends a lap and says what it was spent on. */
    public void lap(Task task) {
        if (profiler == null || !profiler.isRecording()) {
            return;
        }
        long now = System.nanoTime();
        long cpu = THREADS.getCurrentThreadCpuTime();
        if (last != 0 && profiler.isTiming()) {
            synchronized (spans) {
                spans.add(new Span(task, last, now, cpu - lastCpu));
            }
        }
        last = now;
        lastCpu = cpu;
    }

    Thread thread() {
        return thread;
    }

    List<Span> spans() {
        synchronized (spans) {
            return List.copyOf(spans);
        }
    }
}
