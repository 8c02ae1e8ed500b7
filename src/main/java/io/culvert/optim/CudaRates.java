package io.culvert.optim;

import io.culvert.device.cuda.CudaContext;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The numbers of an update that change from step to step, in device memory, so that a captured step need not change. */
final class CudaRates {
    private static final String PURPOSE = "rates of the optimiser";

    private final CudaContext cuda;
    private final MemorySegment host;
    private final long device;

    CudaRates(CudaContext cuda, int count) {
        this.cuda = cuda;
        host = cuda.hostMemory((long) count * Float.BYTES);
        device = cuda.allocate(PURPOSE, (long) count * Float.BYTES);
    }

    long address() {
        return device;
    }

    void set(int index, float value) {
        host.setAtIndex(ValueLayout.JAVA_FLOAT, index, value);
    }

    /** Sends what was set; kernels launched from now on read it. */
    void send() {
        cuda.stream().copyToDevice(device, host);
    }
}
