package io.culvert.device.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.culvert.bindings.cupti.CUpti_BuffersCallbackCompleteFunc;
import io.culvert.bindings.cupti.CUpti_BuffersCallbackRequestFunc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * The memory that CUPTI writes records to, for the whole process. Threads of CUPTI's ask for empty buffers and hand them back,
 * so both functions do no more than move one from queue to queue; who wants the records reads them later. Neither buffers
 * nor functions are ever given up: the library may call as long as the process lives.
 */
final class CuptiBuffers {
    /** One buffer: some 2000 kernels with the calls that launched them. */
    private static final long BYTES = 1L << 20;

    /** What a step needs at most, 64 MiB; beyond it CUPTI drops records and says how many. */
    private static final int MOST = 64;

    private static final Queue<MemorySegment> EMPTY = new ConcurrentLinkedQueue<>();
    private static final Queue<MemorySegment> WRITTEN = new ConcurrentLinkedQueue<>();
    private static final AtomicInteger MADE = new AtomicInteger();

    static final MemorySegment REQUESTED =
            CUpti_BuffersCallbackRequestFunc.allocate(CuptiBuffers::requested, Arena.global());
    static final MemorySegment COMPLETED =
            CUpti_BuffersCallbackCompleteFunc.allocate(CuptiBuffers::completed, Arena.global());

    private CuptiBuffers() {}

    private static void requested(MemorySegment buffer, MemorySegment size, MemorySegment records) {
        MemorySegment empty = EMPTY.poll();
        if (empty == null) {
            empty = make();
        }
        buffer.reinterpret(ADDRESS.byteSize()).set(ADDRESS, 0, empty);
        size.reinterpret(Long.BYTES).set(JAVA_LONG, 0, empty.address() == 0 ? 0 : BYTES);
        records.reinterpret(Long.BYTES).set(JAVA_LONG, 0, 0);
    }

    private static MemorySegment make() {
        if (MADE.incrementAndGet() > MOST) {
            MADE.decrementAndGet();
            return MemorySegment.NULL;
        }
        try {
            return Arena.global().allocate(BYTES, Long.BYTES);
        } catch (OutOfMemoryError e) {
            // Whatever leaves this method ends the process; without a buffer CUPTI counts what it drops.
            return MemorySegment.NULL;
        }
    }

    private static void completed(MemorySegment context, int stream, MemorySegment buffer, long size, long valid) {
        WRITTEN.add(buffer.reinterpret(valid));
    }

    /** Hands each written buffer, as long as what is valid of it, to {@code reader} and makes it an empty one again. */
    static void drain(Consumer<MemorySegment> reader) {
        for (MemorySegment buffer = WRITTEN.poll(); buffer != null; buffer = WRITTEN.poll()) {
            reader.accept(buffer);
            EMPTY.add(buffer.reinterpret(BYTES));
        }
    }
}
