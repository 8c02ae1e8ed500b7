package io.culvert.emulator.ptx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Kernels that nvcc compiled, with shared memory, shuffles, barriers and atomics, in three orders each. */
class SharedKernelsTest {
    private static final String FILE = "shared";

    @Test
    void reducesABlock() {
        for (ExecutionOrder order : Gpu.ORDERS) {
            for (int n : new int[] {1, 197, 5000}) {
                Gpu gpu = new Gpu(order);
                float[] in = Gpu.random(n, n);
                long out = gpu.put("out", 0f);
                PtxKernel kernel = Gpu.kernel(FILE, "block_reduce");
                gpu.run(kernel, Dim3.of(3), Dim3.of(256), 0, out, gpu.put("in", in), n);
                double sum = 0;
                for (float v : in) {
                    sum += v;
                }
                assertThat((double) gpu.floats(out, 1)[0]).isCloseTo(sum, within(1e-4));
            }
        }
    }

    @Test
    void reducesATreeInDynamicSharedMemory() {
        for (ExecutionOrder order : Gpu.ORDERS) {
            Gpu gpu = new Gpu(order);
            int n = 700;
            float[] in = Gpu.random(1, n);
            long out = gpu.empty(12, "out");
            PtxKernel kernel = Gpu.kernel(FILE, "tree_reduce");
            gpu.run(kernel, Dim3.of(3), Dim3.of(256), 1024, out, gpu.put("in", in), n);
            for (int b = 0; b < 3; b++) {
                double sum = 0;
                for (int i = 256 * b; i < Math.min(n, 256 * b + 256); i++) {
                    sum += in[i];
                }
                assertThat((double) gpu.floats(out, 3)[b]).isCloseTo(sum, within(1e-5));
            }
        }
    }

    @Test
    void multipliesMatricesInTiles() {
        for (ExecutionOrder order : Gpu.ORDERS) {
            Gpu gpu = new Gpu(order);
            int m = 33;
            int n = 31;
            int k = 50;
            float[] a = Gpu.random(1, m * k);
            float[] b = Gpu.random(2, k * n);
            long c = gpu.empty(4L * m * n, "c");
            PtxKernel kernel = Gpu.kernel(FILE, "tiled_matmul");
            gpu.run(kernel, Dim3.of(2, 3), Dim3.of(16, 16), 0, c, gpu.put("a", a), gpu.put("b", b), m, n, k);
            float[] result = gpu.floats(c, m * n);
            for (int i = 0; i < m * n; i++) {
                float sum = 0;
                for (int j = 0; j < k; j++) {
                    sum = Math.fma(a[i / n * k + j], b[j * n + i % n], sum);
                }
                assertThat(result[i]).isEqualTo(sum);
            }
        }
    }

    @Test
    void softmaxOfRows() {
        for (ExecutionOrder order : Gpu.ORDERS) {
            Gpu gpu = new Gpu(order);
            int rows = 3;
            int width = 197;
            float[] x = Gpu.random(1, rows * width);
            long y = gpu.empty(4L * rows * width, "y");
            PtxKernel kernel = Gpu.kernel(FILE, "softmax_rows");
            gpu.run(kernel, Dim3.of(rows), Dim3.of(128), 0, y, gpu.put("x", x), width);
            for (int row = 0; row < rows; row++) {
                double sum = 0;
                for (int i = 0; i < width; i++) {
                    sum += Math.exp(x[row * width + i]);
                }
                for (int i = 0; i < width; i++) {
                    double expected = Math.exp(x[row * width + i]) / sum;
                    float actual = gpu.floats(y, rows * width)[row * width + i];
                    assertThat((double) actual).isCloseTo(expected, within(2e-6 * expected));
                }
            }
        }
    }

    @Test
    void normalisesLayers() {
        for (ExecutionOrder order : Gpu.ORDERS) {
            Gpu gpu = new Gpu(order);
            int rows = 4;
            int width = 331;
            float[] x = Gpu.random(1, rows * width);
            float[] weight = Gpu.random(2, width);
            float[] bias = Gpu.random(3, width);
            long y = gpu.empty(4L * rows * width, "y");
            PtxKernel kernel = Gpu.kernel(FILE, "layer_norm");
            long w = gpu.put("weight", weight);
            gpu.run(kernel, Dim3.of(rows), Dim3.of(96), 0, y, gpu.put("x", x), w, gpu.put("bias", bias), width, 1e-5f);
            float[] result = gpu.floats(y, rows * width);
            for (int row = 0; row < rows; row++) {
                double mean = 0;
                double square = 0;
                for (int i = 0; i < width; i++) {
                    mean += x[row * width + i] / (double) width;
                }
                for (int i = 0; i < width; i++) {
                    square += Math.pow(x[row * width + i] - mean, 2) / width;
                }
                for (int i = 0; i < width; i++) {
                    double unit = (x[row * width + i] - mean) / Math.sqrt(square + 1e-5);
                    assertThat((double) result[row * width + i]).isCloseTo(unit * weight[i] + bias[i], within(2e-6));
                }
            }
        }
    }

    @Test
    void attentionWithOnlineSoftmax() {
        int tokens = 50;
        float[] q = Gpu.random(1, tokens * 64);
        float[] k = Gpu.random(2, tokens * 64);
        float[] v = Gpu.random(3, tokens * 64);
        for (ExecutionOrder order : Gpu.ORDERS) {
            Gpu gpu = new Gpu(order);
            long out = gpu.empty(4L * tokens * 64, "out");
            PtxKernel kernel = Gpu.kernel(FILE, "attention");
            long keys = gpu.put("k", k);
            Dim3 grid = Dim3.of((tokens + 3) / 4);
            gpu.run(kernel, grid, Dim3.of(128), 0, out, gpu.put("q", q), keys, gpu.put("v", v), tokens, 0.125f);
            float[] result = gpu.floats(out, tokens * 64);
            for (int row = 0; row < tokens; row++) {
                double[] p = new double[tokens];
                double sum = 0;
                for (int t = 0; t < tokens; t++) {
                    for (int d = 0; d < 64; d++) {
                        p[t] += 0.125 * q[row * 64 + d] * k[t * 64 + d];
                    }
                    p[t] = Math.exp(p[t]);
                    sum += p[t];
                }
                for (int d = 0; d < 64; d++) {
                    double expected = 0;
                    for (int t = 0; t < tokens; t++) {
                        expected += p[t] / sum * v[t * 64 + d];
                    }
                    assertThat((double) result[row * 64 + d]).isCloseTo(expected, within(2e-6));
                }
            }
        }
    }

    @Test
    void countsInAHistogram() {
        int n = 3000;
        byte[] data = new byte[n];
        new SplittableRandom(4).nextBytes(data);
        int[] expected = new int[256];
        for (int i = 0; i < n; i++) {
            data[i] &= 0x5f;
            expected[data[i] & 255]++;
        }
        for (ExecutionOrder order : Gpu.ORDERS) {
            Gpu gpu = new Gpu(order);
            long bins = gpu.put("bins", new int[256]);
            PtxKernel kernel = Gpu.kernel(FILE, "histogram");
            LaunchStats stats = gpu.run(kernel, Dim3.of(4), Dim3.of(128), 0, bins, gpu.put("data", data), n);
            assertThat(gpu.ints(bins, 256)).isEqualTo(expected);
            assertThat(stats.threadInstructions(InstructionClass.ATOMIC)).isBetween((long) n, n + 4L * 256);
        }
    }

    @Test
    void votesMatchesAndReducesOverAWarp() {
        int[] in = new SplittableRandom(5).ints(64, -4, 5).toArray();
        Gpu gpu = new Gpu();
        long out = gpu.empty(4 * 64 * 4, "out");
        gpu.run(Gpu.kernel(FILE, "warp_votes"), Dim3.of(1), Dim3.of(64), 0, out, gpu.put("in", in));
        int[] result = gpu.ints(out, 256);
        int positive = 0;
        for (int v : in) {
            positive += v > 0 ? 1 : 0;
        }
        for (int i = 0; i < 64; i++) {
            int ballot = 0;
            int same = 0;
            int top = Integer.MIN_VALUE;
            boolean three = false;
            for (int k = 0; k < 32; k++) {
                int other = in[i / 32 * 32 + k];
                ballot |= other > 0 ? 1 << k : 0;
                same |= other == in[i] ? 1 << k : 0;
                top = Math.max(top, other);
                three |= other == 3;
            }
            assertThat(result[4 * i]).isEqualTo(ballot);
            assertThat(result[4 * i + 1]).isEqualTo(same);
            assertThat(result[4 * i + 2]).isEqualTo(top);
            assertThat(result[4 * i + 3]).isEqualTo(2 + (three ? 1 : 0) + 4 * positive);
        }
    }
}
