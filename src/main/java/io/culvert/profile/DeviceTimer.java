package io.culvert.profile;

import java.util.List;

/**
 * Tells when a device that computes beside the host came to marks that were put into its queue. Marks of a step are numbered
 * from 0, which {@link #begin} makes.
 */
public interface DeviceTimer {
    /** What {@link #idle} gives where the timer does not know. */
    long UNKNOWN = -1;

    /**
     * A kernel, copy or fill.
     *
     * @param interval the mark after which the host queued it; -1 where that is not known
     * @param stream by the number that the driver's profiler gives it
     * @param begin nanoseconds after mark 0, as is {@code end}
     */
    record Work(String name, int interval, int stream, long begin, long end) {}

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

    /** Nanoseconds from mark {@code interval} to the next in which the device did nothing, or {@link #UNKNOWN}; after {@link #read}. */
    default long idle(int interval) {
        return UNKNOWN;
    }

    /** What the device did since mark 0, in the order in which it began; empty where that is not known; after {@link #read}. */
    default List<Work> work() {
        return List.of();
    }

    /** How the times are taken, in words that follow "times are the device's, ". */
    String source();

    /** What is counted beside time, in the order of {@link #counts}; empty where nothing is. */
    default List<String> counted() {
        return List.of();
    }

    /** What was counted from mark {@code interval} to the next; only after {@link #read}. */
    default long[] counts(int interval) {
        return new long[0];
    }
}
