package io.culvert.profile;

import java.util.List;

/**
 * Tells when a device that computes beside the host came to marks that were put into its queue. Marks of a step are numbered
 * from 0, which {@link #begin} makes.
 */
public interface DeviceTimer {
    /** Waits until the device has nothing left to do, and makes mark 0. */
    void begin();

    /** The host begins to queue an operation, for tools that show such ranges. */
    void enter(String name);

    /** Ends the range that {@link #enter} began, if there is one, and puts the next mark into the queue. */
    void mark();

    /**
     * Waits for the last mark.
     *
     * @param nanos gets the time from each mark to the next, from place {@code from} on
     * @param count intervals
     */
    void read(long[] nanos, int from, int count);

    /** What is counted beside time, in the order of {@link #counts}; empty where nothing is. */
    default List<String> counted() {
        return List.of();
    }

    /** What was counted from mark {@code interval} to the next; only after {@link #read}. */
    default long[] counts(int interval) {
        return new long[0];
    }
}
