package io.culvert.optim;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;

/** {@code kernels/optim.cu}: the norms of all parameters in one launch, their update in a second. */
final class CudaLars implements SlabUpdate.Kernel {
    private static final int THREADS = 256;
    private static final int PARTS = 16;

    private final CudaLaunch norms;
    private final CudaLaunch update;

    CudaLars(CudaContext cuda, Lars lars) {
        int count = lars.store.parameters().size();
        int apart = lars.apart ? 1 : 0;
        long segments = CudaSegments.table(cuda, lars.store, lars.groups::of);
        long scratch = cuda.workspace((long) count * PARTS * 2 * Double.BYTES);
        norms = cuda.launch("optim", "lars_norms_f32").grid(PARTS, count, 1).block(THREADS)
                .pointer(scratch).pointer(lars.store.values().address()).pointer(lars.store.gradients().address())
                .pointer(lars.cudaRates.address()).pointer(segments).int32(apart);
        update = cuda.launch("optim", "lars_f32").grid(PARTS, count, 1).block(THREADS)
                .pointer(lars.store.values().address()).pointer(lars.momentumBuffer.address())
                .pointer(lars.store.gradients().address()).pointer(lars.cudaRates.address()).pointer(segments).pointer(scratch)
                .float32(lars.momentum).float32(lars.trust).int32(apart);
    }

    @Override
    public void update() {
        norms.run();
        update.run();
    }
}
