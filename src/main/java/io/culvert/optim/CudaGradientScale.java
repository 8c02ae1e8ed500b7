package io.culvert.optim;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaFloats;
import io.culvert.device.cuda.CudaLaunch;
import java.util.Arrays;

/** {@code kernels/optim.cu}: sums of squares, a factor for each parameter, and the scaling, a launch each. */
final class CudaGradientScale implements GradientScale.Kernel {
    private static final int THREADS = 256;
    private static final int PARTS = 16;

    private final CudaLaunch norms;
    private final CudaLaunch factors;
    private final CudaLaunch scale;

    CudaGradientScale(CudaContext cuda, GradientScale work) {
        int count = work.store.parameters().size();
        long gradients = work.store.gradients().address();
        long segments = CudaSegments.table(
                cuda, work.store, parameter -> work.clip != null && work.clip.parameters().contains(parameter) ? 1 : 0);
        CudaFloats factor = new CudaFloats(cuda, "factors of gradients", count);
        if (work.clip == null) {
            float[] means = new float[count];
            Arrays.fill(means, (float) work.mean);
            factor.send(means);
            norms = null;
            factors = null;
        } else {
            long scratch = cuda.workspace((long) count * PARTS * Double.BYTES);
            norms = cuda.launch("optim", "clip_norms_f32").grid(PARTS, count, 1).block(THREADS)
                    .pointer(scratch).pointer(gradients).pointer(segments);
            factors = cuda.launch("optim", "clip_factors_f32").grid(1).block(THREADS)
                    .pointer(factor.address()).pointer(work.norm().address()).pointer(scratch).pointer(segments)
                    .int32(count).int32(PARTS).float32(work.mean).float32(work.clip.threshold())
                    .int32(work.clip.global() ? 1 : 0);
        }
        scale = cuda.launch("optim", "scale_segments_f32").grid(PARTS, count, 1).block(THREADS)
                .pointer(gradients).pointer(segments).pointer(factor.address());
    }

    @Override
    public void apply() {
        if (norms != null) {
            norms.run();
            factors.run();
        }
        scale.run();
    }
}
