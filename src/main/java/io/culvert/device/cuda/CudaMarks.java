package io.culvert.device.cuda;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** Places in the compute stream of which the device notes when it comes to them. */
public final class CudaMarks implements AutoCloseable {
    private final CudaStream stream;
    private final List<CudaEvent> events = new ArrayList<>();
    private int count;

    CudaMarks(CudaStream stream) {
        this.stream = stream;
    }

    /** Forgets the marks so far and makes mark 0. */
    public void begin() {
        count = 0;
        mark();
    }

    /** Marks the present end of the stream. */
    public void mark() {
        if (count == events.size()) {
            events.add(CudaEvent.timing());
        }
        events.get(count++).record(stream);
    }

    /** Intervals between the marks so far. */
    public int intervals() {
        return count - 1;
    }

    /** Waits until the device has come to a mark. */
    public void await(int mark) {
        events.get(mark).synchronize();
    }

    /** Nanoseconds from a mark to the next, which was waited for; they are counted by half microseconds. */
    public long nanos(int interval) {
        return Math.round(1e6 * events.get(interval).millisTo(events.get(interval + 1)));
    }

    /** The event of a mark, by which an emulated device knows it. */
    public MemorySegment event(int mark) {
        return events.get(mark).handle();
    }

    @Override
    public void close() {
        events.forEach(CudaEvent::close);
        events.clear();
    }
}
