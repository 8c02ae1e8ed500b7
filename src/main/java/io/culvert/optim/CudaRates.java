package io.culvert.optim;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaFloats;
import io.culvert.device.cuda.CudaLaunch;

/** The numbers of an update that change from step to step, in device memory, so that a recorded step need not change. */
final class CudaRates {
    private final CudaContext cuda;
    private final CudaFloats floats;
    private CudaLaunch guard;

    CudaRates(CudaContext cuda, int count) {
        this.cuda = cuda;
        floats = new CudaFloats(cuda, "rates of the optimiser", count);
    }

    long address() {
        return floats.address();
    }

    /** Kernels launched from now on read these. */
    void send(float[] rates) {
        floats.send(rates);
    }

    /** Kernels make no update while the float at {@code loss} is not finite. */
    void guard(long loss) {
        guard = cuda.launch("optim", "guard_f32").grid(1).block(1).pointer(address()).pointer(loss);
    }

    /** Looks at the loss of this step, if there is one to look at. */
    void applyGuard() {
        if (guard != null) {
            guard.run();
        }
    }
}
