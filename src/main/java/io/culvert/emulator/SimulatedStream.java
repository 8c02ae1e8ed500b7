package io.culvert.emulator;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * A queue of work that runs only when someone waits for it, so that a missing wait gives wrong data here every time, not
 * on a GPU now and then. While a graph is captured the work goes into the graph instead.
 */
final class SimulatedStream {
    /** One kernel, copy or library call. */
    interface Work {
        void run();
    }

    private final int number;
    private final Deque<Work> queue = new ArrayDeque<>();
    /** What is captured, by this stream and those that joined it; null if nothing is. */
    private Capture capture;

    /** Work of the streams that take part, in the order in which it was queued, which every order between them allows. */
    private static final class Capture {
        final SimulatedStream origin;
        final List<Work> work = new ArrayList<>();
        final List<SimulatedStream> joined = new ArrayList<>();

        Capture(SimulatedStream origin) {
            this.origin = origin;
        }
    }

    /** While captured: how much of the capture there was when this stream queued last, and when the origin last waited for it. */
    private int queuedAt;

    private int awaitedAt;
    private long added;
    private long begun;

    SimulatedStream(int number) {
        this.number = number;
    }

    /** By which profilers know it. */
    int number() {
        return number;
    }

    void add(Work work) {
        if (capture != null) {
            capture.work.add(work);
            queuedAt = capture.work.size();
        } else {
            queue.add(work);
            added++;
        }
    }

    /** How much was queued so far: the place that an event marks. */
    long end() {
        return added;
    }

    /** Runs what was queued before the place. Work that waits for another stream runs that one in between. */
    void runTo(long place) {
        while (begun < place) {
            begun++;
            queue.remove().run();
        }
    }

    void runAll() {
        runTo(added);
    }

    boolean isCapturing() {
        return capture != null;
    }

    void beginCapture() {
        capture = new Capture(this);
    }

    /** How much is captured so far: the place that an event marks meanwhile. */
    int captured() {
        return capture.work.size();
    }

    boolean sharesCapture(SimulatedStream other) {
        return capture != null && capture == other.capture;
    }

    /** Waits for an event of a stream that is captured: from now on this one is captured with it. */
    void awaitCaptured(SimulatedStream other, int place) {
        if (capture == null) {
            capture = other.capture;
            capture.joined.add(this);
            queuedAt = 0;
            awaitedAt = 0;
        }
        if (capture.origin == this) {
            other.awaitedAt = Math.max(other.awaitedAt, place);
        }
    }

    /**
     * Ends what {@link #beginCapture} began.
     *
     * @throws SimulatedError if a stream that joined has work that this one does not wait for
     */
    List<Work> endCapture() {
        Capture ended = capture;
        boolean unjoined = ended.joined.stream().anyMatch(stream -> stream.queuedAt > stream.awaitedAt);
        ended.joined.forEach(stream -> stream.capture = null);
        capture = null;
        if (unjoined) {
            throw new SimulatedError(
                    SimulatedDriver.CAPTURE_UNJOINED, "a stream that took part in the capture was not waited for at its end");
        }
        return ended.work;
    }
}
