package io.culvert.device.cuda;

import io.culvert.bindings.cuda.cuda_h;
import java.lang.foreign.MemorySegment;

/** A place in a stream that other streams, or the host, can wait for. */
public final class CudaEvent implements AutoCloseable {
    private final MemorySegment handle;

    CudaEvent() {
        this(Driver.eventCreate(cuda_h.CU_EVENT_DISABLE_TIMING()));
    }

    private CudaEvent(MemorySegment handle) {
        this.handle = handle;
    }

    /** One that keeps the time at which the device came to it. */
    static CudaEvent timing() {
        return new CudaEvent(Driver.eventCreate(cuda_h.CU_EVENT_DEFAULT()));
    }

    MemorySegment handle() {
        return handle;
    }

    /** Moves it to the present end of the stream. */
    public void record(CudaStream stream) {
        Driver.eventRecord(handle, stream.handle());
    }

    /** Waits until everything before it is done; at once if it was never recorded. */
    public void synchronize() {
        Driver.eventSynchronize(handle);
    }

    /** Milliseconds from this event to a later one, both of which have passed. */
    float millisTo(CudaEvent later) {
        return Driver.eventElapsedTime(handle, later.handle);
    }

    @Override
    public void close() {
        Driver.eventDestroy(handle);
    }
}
