package io.culvert.device;

import io.culvert.ranks.Launch;
import io.culvert.ranks.Rendezvous;
import java.lang.foreign.MemorySegment;

/**
 * The processes that train one network together, each on a part of every batch. What one calls all must call, in the same
 * order. Means are the same bits everywhere, and sums run in the order of ranks, so that runs repeat.
 */
public abstract sealed class Group implements AutoCloseable permits CpuGroup, CudaGroup {
    private final Launch launch;
    /** Null for one process alone. */
    private final Rendezvous meeting;

    private boolean left;

    Group(Rendezvous meeting) {
        this.meeting = meeting;
        launch = meeting == null ? Launch.ALONE : meeting.launch();
    }

    /** Which of them this process is, from 0. */
    public final int rank() {
        return launch.rank();
    }

    /** How many there are; 1 for a run without others. */
    public final int size() {
        return launch.size();
    }

    /** Puts the mean over all ranks in the place of floats, in order with the device's work. */
    public final void average(Buffer buffer, long offset, long bytes) {
        startAverage(buffer, offset, bytes);
        finish();
    }

    /**
     * Begins as {@link #average}, once the work that was given to the device so far is done. What follows may run at the same
     * time and must leave these floats alone until {@link #finish}.
     */
    public abstract void startAverage(Buffer buffer, long offset, long bytes);

    /** Lets the work that follows wait for all means that were begun. */
    public abstract void finish();

    /**
     * Hands bytes of the host to another rank, which {@link #take}s them: for what is rare, it goes past the devices.
     *
     * @param other any for rank 0, 0 for the others
     */
    public final void hand(int other, MemorySegment parcel) {
        meeting.hand(other, parcel);
    }

    /**
     * Waits for what another rank hands over.
     *
     * @param other any for rank 0, 0 for the others
     */
    public final MemorySegment take(int other) {
        return meeting.take(other);
    }

    /**
     * Says before a pass of a step, both counted from 0, that this process now waits for the others, until {@link #endPass}.
     * Where nothing wakes a device that waits, those that do not come within {@code culvert.ranks.timeout} are named and all end.
     */
    public void beginPass(int step, int pass) {}

    /** Says that the pass is done, on the device too. */
    public void endPass() {}

    /** Tells the others that this process cannot go on, so that they end as well. */
    public final void abandon(Throwable why) {
        if (meeting != null) {
            meeting.abandon(String.valueOf(why.getMessage()));
            abandoned(why);
        }
    }

    /** What a process still does that cannot go on. */
    void abandoned(Throwable why) {}

    /** Tells the others that this process has done its part; without it they take its end for a failure. */
    public final void leave() {
        left = true;
        if (meeting != null) {
            meeting.leave();
        }
    }

    final boolean hasLeft() {
        return left;
    }

    @Override
    public void close() {
        if (meeting != null) {
            meeting.close();
        }
    }
}
