package io.culvert.device.cuda;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A few numbers that kernels read and the host changes now and then, so that a recorded step need not change. */
public final class CudaFloats {
    private final CudaContext cuda;
    private final MemorySegment host;
    private final long device;

    /** @param purpose names the memory where it is listed */
    public CudaFloats(CudaContext cuda, String purpose, int count) {
        this.cuda = cuda;
        host = cuda.hostMemory((long) count * Float.BYTES);
        device = cuda.allocate(purpose, (long) count * Float.BYTES);
    }

    /** Where kernels read them. */
    public long address() {
        return device;
    }

    /** Kernels launched from now on read these. */
    public void send(float... values) {
        MemorySegment.copy(values, 0, host, ValueLayout.JAVA_FLOAT, 0, values.length);
        cuda.stream().copyToDevice(device, host);
    }
}
