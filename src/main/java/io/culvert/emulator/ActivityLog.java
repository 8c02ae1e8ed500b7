package io.culvert.emulator;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * What the simulated GPU does, as CUPTI notes it: every call of the host that queues work has a number, which the work's own
 * record bears too. What a graph launches is not noted.
 */
final class ActivityLog {
    static final int MEMCPY = 1;
    static final int MEMSET = 2;
    static final int DRIVER = 4;
    static final int RUNTIME = 5;
    static final int KERNEL = 10;
    static final int EXTERNAL = 39;

    /** A note, in the order in which CUPTI hands them out. */
    sealed interface Note {}

    /** Call number {@code correlation} was made while {@code id} lay on top of the program's stack of that kind. */
    record External(int kind, long id, int correlation) implements Note {}

    /** A call of the host. */
    record Call(int correlation, long nanos) implements Note {}

    /** Work on the device. */
    static final class Work implements Note {
        final int kind;
        final String name;
        final int copyKind;
        final int stream;
        final int correlation;
        long start;
        long end;

        private Work(int kind, String name, int copyKind, int stream, int correlation) {
            this.kind = kind;
            this.name = name;
            this.copyKind = copyKind;
            this.stream = stream;
            this.correlation = correlation;
        }
    }

    private final Set<Integer> enabled = new TreeSet<>();
    private final Map<Integer, Deque<Long>> stacks = new HashMap<>();
    private final List<Note> notes = new ArrayList<>();
    private int correlations;

    void enable(int kind, boolean on) {
        if (on) {
            enabled.add(kind);
        } else {
            enabled.remove(kind);
        }
    }

    Deque<Long> stack(int kind) {
        return stacks.computeIfAbsent(kind, key -> new ArrayDeque<>());
    }

    /** The clock of all notes. */
    static long now() {
        return System.nanoTime();
    }

    /** Notes a call that queues a kernel; gives back the work to queue. */
    SimulatedStream.Work kernel(SimulatedStream stream, String name, SimulatedStream.Work work) {
        return note(KERNEL, stream, name, 0, work);
    }

    /** Notes a call that queues a copy of a kind of CUPTI's; gives back the work to queue. */
    SimulatedStream.Work copy(SimulatedStream stream, int copyKind, SimulatedStream.Work work) {
        return note(MEMCPY, stream, "", copyKind, work);
    }

    /** Notes a call that queues a fill; gives back the work to queue. */
    SimulatedStream.Work fill(SimulatedStream stream, SimulatedStream.Work work) {
        return note(MEMSET, stream, "", 0, work);
    }

    private SimulatedStream.Work note(
            int kind, SimulatedStream stream, String name, int copyKind, SimulatedStream.Work work) {
        if (enabled.isEmpty() || stream.isCapturing()) {
            return work;
        }
        int correlation = ++correlations;
        if (enabled.contains(DRIVER)) {
            if (enabled.contains(EXTERNAL)) {
                stacks.forEach((external, stack) -> {
                    if (!stack.isEmpty()) {
                        notes.add(new External(external, stack.peek(), correlation));
                    }
                });
            }
            notes.add(new Call(correlation, now()));
        }
        if (!enabled.contains(kind)) {
            return work;
        }
        Work noted = new Work(kind, name, copyKind, stream.number(), correlation);
        notes.add(noted);
        return () -> {
            noted.start = now();
            work.run();
            noted.end = Math.max(now(), noted.start + 1);
        };
    }

    /** Takes all notes; none while any work is not done, unless that is {@code forced}: such work has no times then. */
    List<Note> take(boolean forced) {
        if (!forced && notes.stream().anyMatch(note -> note instanceof Work work && work.end == 0)) {
            return List.of();
        }
        List<Note> taken = List.copyOf(notes);
        notes.clear();
        return taken;
    }
}
