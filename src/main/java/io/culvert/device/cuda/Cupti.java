package io.culvert.device.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.culvert.CulvertException;
import io.culvert.bindings.cupti.CUpti_CallbackFunc;
import io.culvert.bindings.cupti.cupti_h;
import io.culvert.bindings.load.NativeLibrary;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * CUPTI's records of activity, each function behind a check. There is one subscriber at a time, and none beside NVIDIA's own
 * profilers and debuggers. Calls come from the thread that queues the work.
 */
final class Cupti implements AutoCloseable {
    /** CUDA's major version, whose layout of records was bound; versions before CUDA 13 are smaller than its factor. */
    private static final int MAJOR = cupti_h.CUPTI_API_VERSION() / 10_000;

    /** Calls too: the id on the stack is noted with a call, and that call's number is on the kernel. */
    private static final int[] KINDS = {
        cupti_h.CUPTI_ACTIVITY_KIND_EXTERNAL_CORRELATION(), cupti_h.CUPTI_ACTIVITY_KIND_DRIVER(),
        cupti_h.CUPTI_ACTIVITY_KIND_RUNTIME(), cupti_h.CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL(),
        cupti_h.CUPTI_ACTIVITY_KIND_MEMCPY(), cupti_h.CUPTI_ACTIVITY_KIND_MEMSET()
    };

    /** The library wants a function of every subscriber; no callback is ever switched on. */
    private static final CUpti_CallbackFunc.Function NEVER_CALLED = (data, domain, callback, values) -> {};

    private final Arena arena = Arena.ofShared();
    private final MemorySegment cell = arena.allocate(JAVA_LONG);
    private final MemorySegment subscriber;
    private boolean recording;

    private Cupti() {
        MemorySegment out = arena.allocate(ADDRESS);
        int result = cupti_h.cuptiSubscribe(
                out, CUpti_CallbackFunc.allocate(NEVER_CALLED, Arena.global()), MemorySegment.NULL);
        if (result != cupti_h.CUPTI_SUCCESS()) {
            arena.close();
            check(result, "cuptiSubscribe");
        }
        subscriber = out.get(ADDRESS, 0);
        try {
            check(
                    cupti_h.cuptiActivityRegisterCallbacks(CuptiBuffers.REQUESTED, CuptiBuffers.COMPLETED),
                    "cuptiActivityRegisterCallbacks");
            // What this GPU or driver does not let record is told now, not in the first step.
            start();
            stop();
        } catch (CulvertException e) {
            abandon();
            throw e;
        }
    }

    /** Gives the place back after a failure, whatever the library says to that. */
    private void abandon() {
        for (int kind : KINDS) {
            cupti_h.cuptiActivityDisable(kind);
        }
        cupti_h.cuptiUnsubscribe(subscriber);
        arena.close();
    }

    /**
     * Takes the process's one place for a subscriber.
     *
     * @throws CulvertException (device) that says why there will be no records: the library is missing, of another CUDA, in
     *     another profiler's hands, or refuses
     */
    static Cupti subscribe() {
        if (!NativeLibrary.CUPTI.tryOpen()) {
            throw CulvertException.device(
                    "the library could not be opened, culvert doctor says why; to mend it: %s", NativeLibrary.CUPTI.remedy());
        }
        int version = versionNumber();
        if (version / 10_000 != MAJOR) {
            throw CulvertException.device(
                    "%s has version %d, its records are read as CUDA %d lays them out", NativeLibrary.CUPTI.path(), version,
                    MAJOR);
        }
        return new Cupti();
    }

    private static int versionNumber() {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment out = call.allocate(JAVA_INT);
            check(cupti_h.cuptiGetVersion(out), "cuptiGetVersion");
            return out.get(JAVA_INT, 0);
        }
    }

    /** For example {@code 13.0.1}, or {@code API 28} of a library before CUDA 13. */
    static String version() {
        int number = versionNumber();
        return number < 10_000 ? "API " + number : number / 10_000 + "." + number / 100 % 100 + "." + number % 100;
    }

    /** From now on activity is recorded. */
    void start() {
        recording = true;
        for (int kind : KINDS) {
            check(cupti_h.cuptiActivityEnable(kind), "cuptiActivityEnable(" + kind + ")");
        }
    }

    /** Ends the recording, with all that the library still holds: the caller has waited for the device. */
    CuptiRecords stop() {
        recording = false;
        for (int kind : KINDS) {
            check(cupti_h.cuptiActivityDisable(kind), "cuptiActivityDisable(" + kind + ")");
        }
        check(cupti_h.cuptiActivityFlushAll(cupti_h.CUPTI_ACTIVITY_FLAG_FLUSH_FORCED()), "cuptiActivityFlushAll");
        CuptiRecords records = new CuptiRecords();
        CuptiBuffers.drain(records::read);
        check(cupti_h.cuptiActivityGetNumDroppedRecords(MemorySegment.NULL, 0, cell), "cuptiActivityGetNumDroppedRecords");
        records.lose(cell.get(JAVA_LONG, 0));
        return records;
    }

    /** Nanoseconds by the clock of the records. */
    long now() {
        check(cupti_h.cuptiGetTimestamp(cell), "cuptiGetTimestamp");
        return cell.get(JAVA_LONG, 0);
    }

    /** What this thread queues from now on bears the number, until {@link #pop}. */
    void push(long id) {
        check(
                cupti_h.cuptiActivityPushExternalCorrelationId(cupti_h.CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM0(), id),
                "cuptiActivityPushExternalCorrelationId");
    }

    /** Ends what {@link #push} began. */
    void pop() {
        check(
                cupti_h.cuptiActivityPopExternalCorrelationId(cupti_h.CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM0(), cell),
                "cuptiActivityPopExternalCorrelationId");
    }

    /** The number that a stream has in the records. */
    int number(CudaStream stream) {
        check(cupti_h.cuptiGetStreamIdEx(MemorySegment.NULL, stream.handle(), (byte) 0, cell), "cuptiGetStreamIdEx");
        return cell.get(JAVA_INT, 0);
    }

    static void check(int result, String call) {
        if (result != cupti_h.CUPTI_SUCCESS()) {
            throw CulvertException.device("%s: %s", call, text(result));
        }
    }

    private static String text(int result) {
        String more = result == cupti_h.CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED()
                ? ", another profiler or debugger has this process"
                : "";
        try (Arena call = Arena.ofConfined()) {
            MemorySegment out = call.allocate(ADDRESS);
            String name = cupti_h.cuptiGetResultString(result, out) == cupti_h.CUPTI_SUCCESS()
                    ? out.get(ADDRESS, 0).reinterpret(Integer.MAX_VALUE).getString(0)
                    : "unknown error";
            return "%s (%d)%s".formatted(name, result, more);
        }
    }

    /** Leaves nothing with the library that it would hand back after the process has begun to end. */
    @Override
    public void close() {
        try {
            if (recording) {
                stop();
            }
        } finally {
            check(cupti_h.cuptiUnsubscribe(subscriber), "cuptiUnsubscribe");
            arena.close();
        }
    }
}
