package io.culvert.device.cuda;

import io.culvert.bindings.cuda.cuda_h;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The queue that all kernels and copies of a run go through, in order. */
public final class CudaStream implements AutoCloseable {
    private final MemorySegment handle;
    private final MemorySegment cell;

    CudaStream(Arena arena) {
        cell = arena.allocate(ValueLayout.JAVA_FLOAT);
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
        Driver.memcpyHtoDAsync(to, from, handle);
    }

    /** Waits for the float at an address of the device. */
    public float readFloat(long from) {
        copyToHost(cell, from);
        return cell.get(ValueLayout.JAVA_FLOAT, 0);
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
        Driver.streamDestroy(handle);
    }
}
