package io.culvert.optim;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;

/** {@code kernels/optim.cu}: one launch over the slabs. */
final class CudaEma implements SlabUpdate.Kernel {
    private static final int THREADS = 256;

    private final CudaLaunch update;

    CudaEma(CudaContext cuda, Ema ema) {
        int n = Math.toIntExact(ema.store.values().bytes() / Float.BYTES);
        update = cuda.launch("optim", "ema_f32").grid(cuda.blocks(n, 4 * THREADS)).block(THREADS)
                .pointer(ema.store.values().address()).pointer(ema.student.values().address())
                .pointer(ema.cudaRates.address()).int32(n);
    }

    @Override
    public void update() {
        update.run();
    }
}
