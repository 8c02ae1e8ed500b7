package io.culvert.profile;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/** The profile of the first training of this process that begins while the profiler is open. */
public final class Profiler implements AutoCloseable {
    private static final AtomicReference<Profiler> ACTIVE = new AtomicReference<>();

    /**
     * What is profiled.
     *
     * @param warmup steps before
     * @param steps that are timed; as many that are not take turns with them
     * @param stop whether training ends then
     * @param folder that gets the files; null: {@code profile} in the run's folder
     */
    public record Settings(int warmup, int steps, boolean stop, Path folder) {}

    /** The profile is made, and the command shall not go on: unwinds the training loop. */
    public static final class Stop extends RuntimeException {
        private static final long serialVersionUID = 1;

        Stop() {
            super("the profile is made", null, false, false);
        }
    }

    private final Settings settings;
    private final Consumer<Recording> ready;
    private final List<LoaderClock> loaders = new ArrayList<>();
    private Subject subject;
    private StepClock clock = StepClock.OFF;
    private StackSampler sampler;
    private GcPauses pauses;
    private volatile boolean recording;
    private volatile boolean timing;
    private boolean finished;
    private int done;

    private Profiler(Settings settings, Consumer<Recording> ready) {
        this.settings = settings;
        this.ready = ready;
    }

    /**
     * Begins to wait for a training.
     *
     * @param ready gets the recording, on the thread that trains or that closes the profiler
     */
    public static Profiler open(Settings settings, Consumer<Recording> ready) {
        Profiler profiler = new Profiler(settings, ready);
        if (!ACTIVE.compareAndSet(null, profiler)) {
            throw new IllegalStateException("this process is being profiled already");
        }
        return profiler;
    }

    /** The profiler that is open; null if none is. */
    public static Profiler active() {
        return ACTIVE.get();
    }

    /** Whether a training was profiled already, or is being. */
    public boolean isTaken() {
        return subject != null;
    }

    /** Makes the calling thread's training the one that is profiled, and returns its clock. */
    public StepClock attach(Subject training) {
        subject = training;
        clock = new StepClock(this, training);
        if (settings.warmup == 0) {
            timing = startRecording();
        }
        return clock;
    }

    /** Steps that the profiled training did. */
    public int steps() {
        return done;
    }

    /** Whether there is a recording: of as many steps as were asked for, or of fewer if training ended before. */
    public boolean isFinished() {
        return finished;
    }

    boolean isRecording() {
        return recording;
    }

    boolean isTiming() {
        return timing;
    }

    void add(LoaderClock loader) {
        synchronized (loaders) {
            loaders.add(loader);
        }
    }

    private List<LoaderClock> loaders() {
        synchronized (loaders) {
            return List.copyOf(loaders);
        }
    }

    private boolean startRecording() {
        pauses = new GcPauses();
        sampler = new StackSampler(Thread.currentThread(), this::loaders, this::isTiming);
        recording = true;
        return true;
    }

    /** Called after each step of the training; says whether the next is to be timed. */
    boolean stepDone(int steps) {
        done = steps;
        int recorded = steps - settings.warmup;
        if (finished || recorded < 0) {
            return false;
        }
        if (recorded == 2 * settings.steps) {
            end();
            finish();
            if (settings.stop) {
                throw new Stop();
            }
            return false;
        }
        // One of every two, so that a machine whose speed drifts is as fast on both sides; in Thue and Morse's order, so that
        // what happens every ten steps, such as a log line, falls on both sides too.
        timing = recorded == 0 ? startRecording() : Integer.bitCount(recorded) % 2 == 0;
        return timing;
    }

    private void end() {
        timing = false;
        recording = false;
        sampler.close();
        pauses.close();
    }

    private void finish() {
        finished = true;
        ready.accept(new Recording(settings, subject, clock, loaders(), sampler, pauses.pauses()));
    }

    /** Hands over what there is if training ended early. */
    @Override
    public void close() {
        ACTIVE.set(null);
        if (recording) {
            boolean any = clock.steps().stream().anyMatch(StepClock.Step::timed);
            end();
            if (any) {
                finish();
            }
        }
    }
}
