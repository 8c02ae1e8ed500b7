package io.culvert.optim;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;

/** {@code kernels/optim.cu}: one launch over the slabs. */
final class CudaSgd implements SlabUpdate.Kernel {
    private static final int THREADS = 256;

    private final CudaLaunch update;

    CudaSgd(CudaContext cuda, Sgd sgd) {
        int n = Math.toIntExact(sgd.store.values().bytes() / Float.BYTES);
        update = cuda.launch("optim", "sgd_f32").grid(cuda.blocks(n, 4 * THREADS)).block(THREADS)
                .pointer(sgd.store.values().address()).pointer(sgd.momentumBuffer.address())
                .pointer(sgd.store.gradients().address()).pointer(sgd.cudaRates.address())
                .pointer(CudaSegments.chunks(cuda, sgd.store, sgd.groups)).int32(n).float32(sgd.momentum).int32(sgd.nesterov ? 1 : 0);
    }

    @Override
    public void update() {
        update.run();
    }
}
