package io.culvert.profile;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Splits the time of the thread that trains. Each call ends a lap that began with the call before and says what it was spent on,
 * so laps leave no time out. Where a device computes beside the host, a lap's
 * end is marked in the device's queue too, and the time from mark to mark is what counts. Steps are timed in turn with steps that are not, which shows what timing costs.
 *
 * <p>{@link #OFF} does nothing. Calls come from one thread.
 */
public final class StepClock {
    /** No profile is being made. */
    public static final StepClock OFF = new StepClock(null, null);

    /**
     * A step: when it began and ended, nanoseconds of it that were spent on what only some steps do, whether it was timed, its laps
     * {@code [from, to)}, and what a device did if that is known.
     */
    record Step(
            int number, long begin, long end, long occasional, boolean timed, int from, int to, List<DeviceTimer.Work> work) {}

    private static final int PHASES = Phase.values().length;

    private final Profiler profiler;
    private final Subject subject;
    private final int forwardOps;
    private final DeviceTimer device;
    private final List<Step> steps = new ArrayList<>();
    private int[] kinds = new int[1 << 14];
    private long[] ends = new long[1 << 14];
    private long[] deviceNanos = new long[1 << 14];
    private long[] waits = new long[1 << 14];
    private long[][] counts = new long[1 << 14][];
    private int laps;
    private boolean timing;
    /** Whether this step is recorded though it is not timed. */
    private boolean watching;

    /** When the last lap of such a step ended. */
    private long watched;

    /** Nanoseconds of this step so far, timed or not, on what only some steps do. */
    private long occasional;
    private int firstLap;
    private long begun;
    private int done;

    StepClock(Profiler profiler, Subject subject) {
        this.profiler = profiler;
        this.subject = subject;
        forwardOps = subject == null ? 0 : subject.forward().length;
        device = subject == null ? null : subject.timer();
    }

    /** Whether laps of this step are kept. */
    public boolean isTiming() {
        return timing;
    }

    /** Ends a lap beside the operations. */
    public void lap(Phase phase) {
        if (!timing && !watching) {
            return;
        }
        long now = System.nanoTime();
        if (phase.isOccasional()) {
            occasional += now - lapStart();
        }
        if (timing) {
            add(phase.ordinal(), now);
        } else {
            watched = now;
        }
    }

    /** When the lap began that is not over. */
    private long lapStart() {
        if (!timing) {
            return watched;
        }
        return laps == firstLap ? begun : ends[laps - 1];
    }

    /** The host begins with the operation at this place of the forward pass. */
    public void enterForward(int place) {
        if (timing && device != null) {
            device.enter(subject.ops().get(subject.forward()[place]).layer());
        }
    }

    /** The host begins with the operation at this place of the backward pass. */
    public void enterBackward(int place) {
        if (timing && device != null) {
            device.enter(subject.ops().get(subject.backward()[place]).layer() + " backward");
        }
    }

    /** Ends the lap of the forward pass's operation at this place. */
    public void forward(int place) {
        if (timing) {
            add(PHASES + place, System.nanoTime());
        }
    }

    /** Ends the lap of the backward pass's operation at this place. */
    public void backward(int place) {
        if (timing) {
            add(PHASES + forwardOps + place, System.nanoTime());
        }
    }

    /** Ends a lap in which a batch was waited for and then brought. */
    public void fed(long waitNanos) {
        if (timing) {
            long now = System.nanoTime();
            add(Phase.WAIT.ordinal(), Math.min(now, lapStart() + waitNanos));
            add(Phase.FEED.ordinal(), now);
        } else {
            lap(Phase.FEED);
        }
    }

    /** The loop begins its first step. */
    public void begin() {
        if (profiler != null) {
            timing = profiler.isTiming();
            start();
        }
    }

    /** Waiting and bringing are marked together: the device waited no longer than the host did, the rest it was busy with. */
    private void divide(int wait, long start) {
        long both = deviceNanos[wait] + deviceNanos[wait + 1];
        deviceNanos[wait] = Math.min(both, ends[wait] - start);
        deviceNanos[wait + 1] = both - deviceNanos[wait];
    }

    private void start() {
        if (timing && device != null) {
            device.begin();
        }
        begun = System.nanoTime();
        watching = !timing && profiler.isRecording();
        watched = begun;
        occasional = 0;
    }

    /**
     * The loop has ended a step.
     *
     * @throws Profiler.Stop when the profile is made and the command shall not go on
     */
    public void endStep() {
        if (profiler != null) {
            lap(Phase.OTHER);
            long now = timing ? ends[laps - 1] : System.nanoTime();
            boolean reads = timing && device != null;
            if (reads) {
                readDevice();
            }
            if (profiler.isRecording()) {
                steps.add(new Step(
                        done, begun, now, occasional, timing, firstLap, laps, reads ? device.work() : List.of()));
            }
            done++;
            timing = profiler.stepDone(done);
            firstLap = laps;
            start();
        }
    }

    private void readDevice() {
        device.read(deviceNanos, firstLap, laps - firstLap);
        for (int i = firstLap; i + 1 < laps; i++) {
            if (kinds[i] == Phase.WAIT.ordinal()) {
                divide(i, i == firstLap ? begun : ends[i - 1]);
            }
        }
        long reached = begun;
        for (int i = firstLap; i < laps; i++) {
            waits[i] = waited(i, reached);
            reached += deviceNanos[i];
        }
        if (!device.counted().isEmpty()) {
            for (int i = firstLap; i < laps; i++) {
                counts[i] = device.counts(i - firstLap);
            }
        }
    }

    /**
     * Nanoseconds of a lap in which the device waited for the host to queue this lap's kernels. Where the timer does not know:
     * from when it was done with the laps before until the host was done with this one, so at most so many.
     *
     * @param reached when the device was done with the laps before, by the host's clock
     */
    private long waited(int lap, long reached) {
        long idle = device.idle(lap - firstLap);
        return idle != DeviceTimer.UNKNOWN ? idle : Math.clamp(ends[lap] - reached, 0, deviceNanos[lap]);
    }

    private void add(int kind, long end) {
        if (laps == ends.length) {
            kinds = Arrays.copyOf(kinds, 2 * laps);
            ends = Arrays.copyOf(ends, 2 * laps);
            deviceNanos = Arrays.copyOf(deviceNanos, 2 * laps);
            waits = Arrays.copyOf(waits, 2 * laps);
            counts = Arrays.copyOf(counts, 2 * laps);
        }
        if (device != null) {
            device.mark();
        }
        kinds[laps] = kind;
        ends[laps++] = end;
    }

    List<Step> steps() {
        return List.copyOf(steps);
    }

    int kind(int lap) {
        return kinds[lap];
    }

    /** Whether the times of laps are those of a device beside the host. */
    boolean timesDevice() {
        return device != null;
    }

    /** Nanoseconds from the lap's beginning to its end on the device, or on the host where that computes itself. */
    long lasted(Step step, int lap) {
        return device != null ? deviceNanos[lap] : ends[lap] - start(step, lap);
    }

    /** Nanoseconds of it in which a device beside the host had nothing to do; 0 where the host computes itself. */
    long waited(int lap) {
        return waits[lap];
    }

    /** Nanoseconds of a whole step, by the same clock. */
    long lasted(Step step) {
        if (device == null) {
            return step.end - step.begin;
        }
        return Arrays.stream(deviceNanos, step.from, step.to).sum();
    }

    /** When a lap of this step began on the host. */
    long start(Step step, int lap) {
        return lap == step.from ? step.begin : ends[lap - 1];
    }

    long end(int lap) {
        return ends[lap];
    }

    /** What the device counted in a lap; null where it counts nothing. */
    long[] counts(int lap) {
        return counts[lap];
    }

    /** Nanoseconds that one lap costs on this machine now. */
    static double lapNanos() {
        int laps = 20_000;
        StepClock clock = new StepClock(null, null);
        clock.timing = true;
        double least = Double.MAX_VALUE;
        for (int round = 0; round < 5; round++) {
            clock.laps = 0;
            long start = System.nanoTime();
            for (int i = 0; i < laps; i++) {
                clock.forward(i);
            }
            least = Math.min(least, (System.nanoTime() - start) / (double) laps);
        }
        return least;
    }
}
