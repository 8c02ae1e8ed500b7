package io.culvert.profile;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Divides a step's time on a device by records of what it did. An interval ends when the device is done with what the host
 * queued into the computing stream before the mark, and not before the host made the mark; the next begins there, so that
 * intervals leave no time out. In what no record covers, on whichever stream, the device did nothing.
 */
public final class DeviceTimeline {
    private final long[] ends;
    private final long[] busy;

    /**
     * @param marks when the host made each mark after mark 0, in nanoseconds after that one
     * @param work in any order
     * @param computing the stream whose work an interval waits for; what others do runs beside it
     */
    public DeviceTimeline(long[] marks, List<DeviceTimer.Work> work, int computing) {
        ends = marks.clone();
        for (DeviceTimer.Work part : work) {
            if (part.stream() == computing && part.interval() >= 0) {
                ends[part.interval()] = Math.max(ends[part.interval()], part.end());
            }
        }
        for (int i = 1; i < ends.length; i++) {
            ends[i] = Math.max(ends[i], ends[i - 1]);
        }
        busy = new long[ends.length];
        union(work).forEach(this::add);
    }

    private record Span(long begin, long end) {}

    /** Times in which anything ran, apart from each other. */
    private static List<Span> union(List<DeviceTimer.Work> work) {
        List<DeviceTimer.Work> sorted = new ArrayList<>(work);
        sorted.sort(Comparator.comparingLong(DeviceTimer.Work::begin));
        List<Span> spans = new ArrayList<>();
        for (DeviceTimer.Work part : sorted) {
            if (!spans.isEmpty() && part.begin() <= spans.getLast().end) {
                Span last = spans.removeLast();
                spans.add(new Span(last.begin, Math.max(last.end, part.end())));
            } else {
                spans.add(new Span(part.begin(), part.end()));
            }
        }
        return spans;
    }

    private void add(Span span) {
        int first = Arrays.binarySearch(ends, span.begin);
        for (int i = first < 0 ? -1 - first : first; i < ends.length && begin(i) < span.end; i++) {
            busy[i] += Math.max(0, Math.min(span.end, ends[i]) - Math.max(span.begin, begin(i)));
        }
    }

    private long begin(int interval) {
        return interval == 0 ? 0 : ends[interval - 1];
    }

    /** Nanoseconds that the interval lasted. */
    public long nanos(int interval) {
        return ends[interval] - begin(interval);
    }

    /** Nanoseconds of it in which the device did nothing. */
    public long idle(int interval) {
        return nanos(interval) - busy[interval];
    }
}
