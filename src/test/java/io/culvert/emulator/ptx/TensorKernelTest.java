package io.culvert.emulator.ptx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/** The bf16 matrix product with mma, ldmatrix and double-buffered cp.async. */
class TensorKernelTest {
    private static short[] bfloats(float[] values) {
        short[] bits = new short[values.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = (short) (Float.floatToRawIntBits(values[i]) >>> 16);
        }
        return bits;
    }

    @Test
    void multipliesMatrices() {
        int m = 70;
        int n = 65;
        int k = 72;
        short[] a = bfloats(Gpu.random(1, m * k));
        short[] b = bfloats(Gpu.random(2, n * k));
        for (ExecutionOrder order : Gpu.ORDERS) {
            Gpu gpu = new Gpu(order);
            long c = gpu.empty(4L * m * n, "c");
            PtxKernel kernel = Gpu.kernel("tensor", "bf16_matmul");
            LaunchStats stats =
                    gpu.run(kernel, Dim3.of(2, 2), Dim3.of(128), 0, c, gpu.put("a", a), gpu.put("b", b), m, n, k);
            float[] result = gpu.floats(c, m * n);
            for (int i = 0; i < m * n; i++) {
                double sum = 0;
                for (int j = 0; j < k; j++) {
                    sum += (double) Float.intBitsToFloat(a[i / n * k + j] << 16)
                            * Float.intBitsToFloat(b[i % n * k + j] << 16);
                }
                assertThat((double) result[i]).isCloseTo(sum, within(2e-5));
            }
            // 4 blocks of 4 warps, 3 steps along k, 2 products along the step, 8 tiles a warp.
            assertThat(stats.warpInstructions(InstructionClass.TENSOR)).isEqualTo(4 * 4 * 3 * 2 * 8);
            // Reading, none; writing, each quarter of a copy covers two rows of 80 bytes, of which 4 banks coincide.
            assertThat(stats.bankConflicts()).isEqualTo(4 * 3 * (4 * 2 * 2) * 4);
        }
    }
}
