package io.culvert.device.cuda;

import java.lang.foreign.MemorySegment;

/** A place in a stream that other streams, or the host, can wait for. */
public final class CudaEvent implements AutoCloseable {
    private final MemorySegment handle = Driver.eventCreate();

    CudaEvent() {}

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

    @Override
    public void close() {
        Driver.eventDestroy(handle);
    }
}
