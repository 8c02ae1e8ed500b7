package io.culvert.ops;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;

/** {@code kernels/loss.cu}: puts together what the rows of a loss contribute. */
public final class CudaSum {
    private static final int THREADS = 256;

    private CudaSum() {}

    /** {@code to[0] = scale * (sum of count floats)}, in double precision and a fixed order. */
    public static CudaLaunch of(CudaContext cuda, long to, long values, int count, double scale) {
        return cuda.launch("loss", "loss_sum_f32").grid(1).block(THREADS)
                .pointer(to).pointer(values).int32(count).float32(scale);
    }
}
