package io.culvert.optim;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;

/** {@code kernels/optim.cu}: one launch over the slabs. */
final class CudaAdamW implements AdamW.Kernel {
    private static final int THREADS = 256;

    private final CudaRates rates;
    private final CudaLaunch update;

    CudaAdamW(CudaContext cuda, AdamW adam) {
        rates = new CudaRates(cuda, 3);
        int n = Math.toIntExact(adam.store.values().bytes() / Float.BYTES);
        update = cuda.launch("optim", "adamw_f32").grid(cuda.blocks(n, 4 * THREADS)).block(THREADS)
                .pointer(adam.store.values().address()).pointer(adam.first.address()).pointer(adam.second.address())
                .pointer(adam.store.gradients().address()).pointer(rates.address())
                .int32(n).float32(adam.beta1).float32(adam.beta2).float32(1 - adam.beta1).float32(1 - adam.beta2)
                .float32(adam.eps);
    }

    @Override
    public void step(float stepSize, float secondScale, float shrink) {
        rates.set(0, stepSize);
        rates.set(1, secondScale);
        rates.set(2, shrink);
        rates.send();
        update.run();
    }
}
