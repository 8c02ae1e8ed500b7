package io.culvert.profile;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Splits the time of the thread that trains. Each call ends a lap that began with the call before and says what it was spent on,
 * so laps leave no time out. Steps are timed in turn with steps that are not, which shows what timing costs.
 *
 * <p>{@link #OFF} does nothing. Calls come from one thread.
 */
public final class StepClock {
    /** No profile is being made. */
    public static final StepClock OFF = new StepClock(null, 0);

    /** A step: when it began and ended, whether it was timed, and its laps {@code [from, to)}. */
    record Step(int number, long begin, long end, boolean timed, int from, int to) {}

    private static final int PHASES = Phase.values().length;

    private final Profiler profiler;
    private final int forwardOps;
    private final List<Step> steps = new ArrayList<>();
    private int[] kinds = new int[1 << 14];
    private long[] ends = new long[1 << 14];
    private int laps;
    private boolean timing;
    private int firstLap;
    private long begun;
    private int done;

    StepClock(Profiler profiler, int forwardOps) {
        this.profiler = profiler;
        this.forwardOps = forwardOps;
    }

    /** Whether laps of this step are kept. */
    public boolean isTiming() {
        return timing;
    }

    /** Ends a lap beside the operations. */
    public void lap(Phase phase) {
        if (timing) {
            add(phase.ordinal(), System.nanoTime());
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
            long start = laps == firstLap ? begun : ends[laps - 1];
            add(Phase.WAIT.ordinal(), Math.min(now, start + waitNanos));
            add(Phase.FEED.ordinal(), now);
        }
    }

    /** The loop begins its first step. */
    public void begin() {
        if (profiler != null) {
            timing = profiler.isTiming();
            begun = System.nanoTime();
        }
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
            if (profiler.isRecording()) {
                steps.add(new Step(done, begun, now, timing, firstLap, laps));
            }
            done++;
            timing = profiler.stepDone(done);
            firstLap = laps;
            begun = System.nanoTime();
        }
    }

    private void add(int kind, long end) {
        if (laps == ends.length) {
            kinds = Arrays.copyOf(kinds, 2 * laps);
            ends = Arrays.copyOf(ends, 2 * laps);
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

    /** When a lap of this step began. */
    long start(Step step, int lap) {
        return lap == step.from ? step.begin : ends[lap - 1];
    }

    long end(int lap) {
        return ends[lap];
    }

    /** Nanoseconds that one lap costs on this machine now. */
    static double lapNanos() {
        int laps = 20_000;
        StepClock clock = new StepClock(null, 0);
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
