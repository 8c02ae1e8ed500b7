package io.culvert.emulator;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * libcupti of CUDA 13, of which the records of activity are there: buffers are asked for and handed back on a thread of its
 * own, as CUPTI does. Its calls of the program's functions are the program's danger: nothing catches what they throw.
 */
@SuppressWarnings("unused") // functions bear their C names and are called from C
final class SimulatedCupti extends SimulatedLibrary {
    static final int VERSION = 130_001;
    static final int KERNEL_BYTES = 216;
    static final int MEMCPY_BYTES = 96;
    static final int MEMSET_BYTES = 88;
    static final int EXTERNAL_BYTES = 24;
    static final int CALL_BYTES = 40;

    private static final int INVALID_PARAMETER = 1;
    private static final int INVALID_OPERATION = 7;
    private static final int MAX_LIMIT_REACHED = 12;
    private static final int QUEUE_EMPTY = 18;
    private static final int INVALID_KIND = 21;
    private static final int NOT_SUPPORTED = 27;
    private static final int MULTIPLE_SUBSCRIBERS = 39;
    private static final int UNKNOWN = 999;
    private static final int FORCED = 1;
    private static final Map<Integer, String> NAMES = Map.of(
            INVALID_PARAMETER, "CUPTI_ERROR_INVALID_PARAMETER",
            INVALID_OPERATION, "CUPTI_ERROR_INVALID_OPERATION",
            NOT_SUPPORTED, "CUPTI_ERROR_NOT_SUPPORTED",
            MULTIPLE_SUBSCRIBERS, "CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED");
    private static final FunctionDescriptor REQUESTED = FunctionDescriptor.ofVoid(ADDRESS, ADDRESS, ADDRESS);
    private static final FunctionDescriptor COMPLETED =
            FunctionDescriptor.ofVoid(ADDRESS, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG);

    private final Handles handles = new Handles(0x7e40_0000_0000L, INVALID_PARAMETER);
    private final SimulatedDriver driver;
    private final ActivityLog log;
    private final Map<String, MemorySegment> texts = new HashMap<>();
    private MethodHandle requested;
    private MethodHandle completed;
    private boolean otherSubscriber;
    private int version = VERSION;
    private int timeless;
    private long dropped;

    private record Subscriber() {}

    SimulatedCupti(SimulatedDriver driver) {
        this.driver = driver;
        log = driver.activity();
    }

    /** Whether a profiler of NVIDIA's is there before us. */
    void otherSubscriber(boolean there) {
        otherSubscriber = there;
    }

    void version(int number) {
        version = number;
    }

    /** So many kernels from now on have no times, as when the device has no memory left for them. */
    void loseTimes(int kernels) {
        timeless = kernels;
    }

    Map<String, Integer> leaks() {
        return handles.alive();
    }

    @Override
    int notSupported() {
        return NOT_SUPPORTED;
    }

    @Override
    int internalError() {
        return UNKNOWN;
    }

    private MemorySegment text(String words) {
        return texts.computeIfAbsent(words, key -> Arena.global().allocateFrom(key));
    }

    public int cuptiGetVersion(MemorySegment out) {
        out.set(JAVA_INT, 0, version);
        return 0;
    }

    public int cuptiGetResultString(int status, MemorySegment out) {
        out.set(ADDRESS, 0, text(NAMES.getOrDefault(status, "CUPTI_ERROR_" + status)));
        return 0;
    }

    public int cuptiSubscribe(MemorySegment out, MemorySegment callback, MemorySegment data) {
        if (otherSubscriber || !handles.alive().isEmpty()) {
            throw new SimulatedError(MULTIPLE_SUBSCRIBERS, "there is a subscriber already");
        }
        out.set(ADDRESS, 0, handles.put(new Subscriber()));
        return 0;
    }

    public int cuptiUnsubscribe(MemorySegment subscriber) {
        handles.remove(subscriber, Subscriber.class);
        return 0;
    }

    public int cuptiActivityRegisterCallbacks(MemorySegment request, MemorySegment complete) {
        requested = Linker.nativeLinker().downcallHandle(request, REQUESTED);
        completed = Linker.nativeLinker().downcallHandle(complete, COMPLETED);
        return 0;
    }

    public int cuptiActivityEnable(int kind) {
        log.enable(kind, true);
        return 0;
    }

    public int cuptiActivityDisable(int kind) {
        log.enable(kind, false);
        return 0;
    }

    public int cuptiActivityPushExternalCorrelationId(int kind, long id) {
        log.stack(kind).push(id);
        return 0;
    }

    public int cuptiActivityPopExternalCorrelationId(int kind, MemorySegment last) {
        Deque<Long> stack = log.stack(kind);
        if (stack.isEmpty()) {
            throw new SimulatedError(QUEUE_EMPTY, "more ids taken away than were given");
        }
        last.set(JAVA_LONG, 0, stack.pop());
        return 0;
    }

    public int cuptiGetTimestamp(MemorySegment out) {
        out.set(JAVA_LONG, 0, ActivityLog.now());
        return 0;
    }

    public int cuptiGetStreamIdEx(MemorySegment context, MemorySegment stream, byte perThread, MemorySegment out) {
        out.set(JAVA_INT, 0, driver.stream(stream).number());
        return 0;
    }

    public int cuptiActivityGetNumDroppedRecords(MemorySegment context, int stream, MemorySegment out) {
        out.set(JAVA_LONG, 0, dropped);
        dropped = 0;
        return 0;
    }

    public int cuptiActivityFlushAll(int flag) {
        if (requested == null) {
            throw new SimulatedError(INVALID_OPERATION, "no functions were registered that take buffers");
        }
        List<ActivityLog.Note> notes = log.take((flag & FORCED) != 0);
        if (notes.isEmpty()) {
            return 0;
        }
        Thread worker = new Thread(() -> deliver(notes), "simulated CUPTI");
        worker.start();
        try {
            worker.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new SimulatedError(UNKNOWN, "interrupted");
        }
        return 0;
    }

    private void deliver(List<ActivityLog.Note> notes) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment answer = call.allocate(ADDRESS, 3);
            int next = 0;
            while (next < notes.size()) {
                answer.fill((byte) 0);
                requested.invokeExact(answer, answer.asSlice(8), answer.asSlice(16));
                long size = answer.get(JAVA_LONG, 8);
                MemorySegment buffer = answer.get(ADDRESS, 0).reinterpret(size);
                if (buffer.address() == 0) {
                    dropped += notes.size() - next;
                    return;
                }
                long used = 0;
                while (next < notes.size() && used + bytes(notes.get(next)) <= size) {
                    MemorySegment record = buffer.asSlice(used, bytes(notes.get(next)));
                    write(record, notes.get(next++));
                    used += record.byteSize();
                }
                completed.invokeExact(MemorySegment.NULL, 0, buffer, size, used);
            }
        } catch (Throwable e) {
            throw new IllegalStateException("the program's function threw", e);
        }
    }

    private static int bytes(ActivityLog.Note note) {
        return switch (note) {
            case ActivityLog.External external -> EXTERNAL_BYTES;
            case ActivityLog.Call call -> CALL_BYTES;
            case ActivityLog.Work work -> bytes(work.kind);
        };
    }

    private static int bytes(int kind) {
        return switch (kind) {
            case ActivityLog.KERNEL -> KERNEL_BYTES;
            case ActivityLog.MEMCPY -> MEMCPY_BYTES;
            case ActivityLog.MEMSET -> MEMSET_BYTES;
            case ActivityLog.EXTERNAL -> EXTERNAL_BYTES;
            case ActivityLog.DRIVER -> CALL_BYTES;
            default -> 0;
        };
    }

    private void write(MemorySegment record, ActivityLog.Note note) {
        record.fill((byte) 0xff); // what is not written must not be read
        switch (note) {
            case ActivityLog.External external -> {
                record.set(JAVA_INT, 0, ActivityLog.EXTERNAL);
                record.set(JAVA_INT, 4, external.kind());
                record.set(JAVA_LONG, 8, external.id());
                record.set(JAVA_INT, 16, external.correlation());
            }
            case ActivityLog.Call call -> {
                record.set(JAVA_INT, 0, ActivityLog.DRIVER);
                record.set(JAVA_LONG, 8, call.nanos());
                record.set(JAVA_LONG, 16, call.nanos());
                record.set(JAVA_INT, 32, call.correlation());
            }
            case ActivityLog.Work work -> write(record, work);
        }
    }

    private void write(MemorySegment record, ActivityLog.Work work) {
        boolean timed = work.kind != ActivityLog.KERNEL || timeless-- <= 0;
        record.set(JAVA_INT, 0, work.kind);
        record.set(JAVA_LONG, 16, timed ? work.start : 0);
        record.set(JAVA_LONG, 24, timed ? work.end : 0);
        if (work.kind == ActivityLog.KERNEL) {
            record.set(JAVA_INT, 48, work.stream);
            record.set(JAVA_INT, 92, work.correlation);
            record.set(ADDRESS, 104, text(work.name));
        } else {
            record.set(JAVA_BYTE, 4, (byte) work.copyKind);
            record.set(JAVA_INT, 40, work.stream);
            record.set(JAVA_INT, 44, work.correlation);
        }
    }

    public int cuptiActivityGetNextRecord(MemorySegment buffer, long valid, MemorySegment record) {
        MemorySegment last = record.get(ADDRESS, 0);
        long at = last.address() == 0
                ? 0
                : last.address() - buffer.address() + bytes(last.reinterpret(Integer.BYTES).get(JAVA_INT, 0));
        if (at >= valid) {
            throw new SimulatedError(MAX_LIMIT_REACHED, "no more records");
        }
        if (bytes(buffer.get(JAVA_INT, at)) == 0) {
            throw new SimulatedError(INVALID_KIND, "a record of kind %d", buffer.get(JAVA_INT, at));
        }
        record.set(ADDRESS, 0, buffer.asSlice(at));
        return 0;
    }
}
