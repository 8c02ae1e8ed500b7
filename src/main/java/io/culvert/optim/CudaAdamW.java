package io.culvert.optim;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;

/** {@code kernels/optim.cu}: one launch over the slabs. */
final class CudaAdamW implements SlabUpdate.Kernel {
    private static final int THREADS = 256;

    private final CudaLaunch update;

    CudaAdamW(CudaContext cuda, AdamW adam) {
        int n = Math.toIntExact(adam.store.values().bytes() / Float.BYTES);
        update = cuda.launch("optim", "adamw_f32").grid(cuda.blocks(n, 4 * THREADS)).block(THREADS)
                .pointer(adam.store.values().address()).pointer(adam.first.address()).pointer(adam.second.address())
                .pointer(adam.store.gradients().address()).pointer(adam.cudaRates.address())
                .pointer(CudaSegments.chunks(cuda, adam.store, adam.groups)).int32(n).float32(adam.beta1).float32(adam.beta2).float32(1 - adam.beta1).float32(1 - adam.beta2).float32(adam.eps);
    }

    @Override
    public void update() {
        update.run();
    }
}
