package io.culvert.device.cuda;

import io.culvert.bindings.cuda.cuda_h;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A queue of kernels and copies that run in order. A run computes on one; uploads may have one of their own, ordered with
 * it by {@link CudaEvent}s.
 */
public final class CudaStream implements AutoCloseable {
    private final MemorySegment handle;
    private final MemorySegment cell;

    CudaStream() {
        cell = Driver.memHostAlloc(Float.BYTES).reinterpret(Float.BYTES);
        handle = Driver.streamCreate(cuda_h.CU_STREAM_NON_BLOCKING());
    }

    MemorySegment handle() {
        return handle;
    }

    /** Waits until everything queued so far is done; errors of earlier kernels appear here. */
    public void synchronize() {
        Driver.streamSynchronize(handle);
    }

    /** Queues a copy of pageable memory, which the driver takes over before it returns: {@code from} may be overwritten. */
    public void copyToDevice(long to, MemorySegment from) {
        Driver.memcpyHtoDAsync(to, from, from.byteSize(), handle);
    }

    /** Waits for the float at an address of the device. */
    public float readFloat(long from) {
        copyToHost(cell, from);
        return cell.get(ValueLayout.JAVA_FLOAT, 0);
    }

    /**
     * Queues a copy of the first {@code bytes} of {@code from} to the device.
     *
     * @param from pinned memory that nobody writes before the copy is done
     */
    public void upload(long to, MemorySegment from, long bytes) {
        Driver.memcpyHtoDAsync(to, from, bytes, handle);
    }

    /** What is queued from now on runs after what was queued before the event's last record, on whichever stream. */
    public void await(CudaEvent event) {
        Driver.streamWaitEvent(handle, event.handle());
    }

    /** Copies to the host and waits for it. */
    public void copyToHost(MemorySegment to, long from) {
        Driver.memcpyDtoHAsync(to, from, handle);
        synchronize();
    }

    /** Queues a copy from one place of the device to another. */
    public void copy(long to, long from, long bytes) {
        Driver.memcpyDtoDAsync(to, from, bytes, handle);
    }

    /** Queues zeros. */
    public void zero(long address, long bytes) {
        Driver.memsetD8Async(address, 0, bytes, handle);
    }

    @Override
    public void close() {
        Driver.memFreeHost(cell);
        Driver.streamDestroy(handle);
    }
}
