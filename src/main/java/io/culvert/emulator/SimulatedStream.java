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

    private final Deque<Work> queue = new ArrayDeque<>();
    private List<Work> capture;
    private long added;
    private long begun;

    void add(Work work) {
        if (capture != null) {
            capture.add(work);
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
        capture = new ArrayList<>();
    }

    List<Work> endCapture() {
        List<Work> captured = capture;
        capture = null;
        return captured;
    }
}
