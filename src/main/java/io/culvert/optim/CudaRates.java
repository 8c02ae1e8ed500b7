package io.culvert.optim;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The numbers of an update that change from step to step, in device memory, so that a recorded step need not change. */
final class CudaRates {
    private static final String PURPOSE = "rates of the optimiser";

    private final CudaContext cuda;
    private final MemorySegment host;
    private final long device;
    private CudaLaunch guard;

    CudaRates(CudaContext cuda, int count) {
        this.cuda = cuda;
        host = cuda.hostMemory((long) count * Float.BYTES);
        device = cuda.allocate(PURPOSE, (long) count * Float.BYTES);
    }

    long address() {
        return device;
    }

    /** Kernels launched from now on read these. */
    void send(float[] rates) {
        MemorySegment.copy(rates, 0, host, ValueLayout.JAVA_FLOAT, 0, rates.length);
        cuda.stream().copyToDevice(device, host);
    }

    /** Kernels make no update while the float at {@code loss} is not finite. */
    void guard(long loss) {
        guard = cuda.launch("optim", "guard_f32").grid(1).block(1).pointer(device).pointer(loss);
    }

    /** Looks at the loss of this step, if there is one to look at. */
    void applyGuard() {
        if (guard != null) {
            guard.run();
        }
    }
}
