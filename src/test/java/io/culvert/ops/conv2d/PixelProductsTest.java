package io.culvert.ops.conv2d;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.culvert.device.ConvGeometry;
import io.culvert.device.CpuDevice;
import io.culvert.device.RunArena;
import io.culvert.device.cpu.Simd;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** All three directions against plain sums in double precision. */
class PixelProductsTest {
    @ParameterizedTest(name = "n{0} {1}x{2} {3}->{4} k{5} s{6} p{7} threads {8}")
    @CsvSource({
        "33, 2, 2, 160, 192, 3, 1, 1, 2",
        "32, 4, 3, 160, 192, 3, 2, 1, 3",
        "70, 1, 2, 170, 181, 3, 1, 1, 5",
        "32, 3, 3, 170, 181, 3, 1, 0, 1",
        "32, 4, 4, 110, 120, 5, 1, 2, 2",
    })
    void equalPlainSums(int n, int h, int w, int in, int out, int k, int stride, int padding, int threads) {
        ConvGeometry g = new ConvGeometry(n, h, w, in, out, k, stride, padding);
        try (CpuDevice device = CpuDevice.open(threads);
                RunArena arena = new RunArena(device)) {
            MemorySegment x = filled(arena, "x", g.inputs());
            MemorySegment dy = filled(arena, "dy", g.outputs());
            MemorySegment weights = filled(arena, "weights", g.weights());
            MemorySegment y = filled(arena, "y", g.outputs());
            MemorySegment dx = filled(arena, "dx", g.inputs());
            double[] wantY = new double[(int) g.outputs()];
            double[] wantDx = new double[(int) g.inputs()];
            double[] wantDw = new double[(int) g.weights()];
            MemorySegment dw = filled(arena, "dw", g.weights());
            for (int i = 0; i < wantDw.length; i++) {
                wantDw[i] = Simd.get(dw, i);
            }
            sum(g, x, dy, weights, wantY, wantDx, wantDw);
            PixelProducts.forward(device, g).execute(x, weights, y);
            PixelProducts.backwardData(device, g).execute(dy, weights, dx);
            PixelProducts.backwardWeights(device, g).execute(dy, x, dw);
            assertClose(y, wantY, 2e-7 * g.taps());
            assertClose(dx, wantDx, 2e-7 * k * k * out);
            assertClose(dw, wantDw, 2e-7 * g.rows());
        }
    }

    @Test
    void leaveToTheLibraryWhatItDoesWell() {
        try (CpuDevice device = CpuDevice.open(1)) {
            assertThat(PixelProducts.forward(device, new ConvGeometry(32, 8, 8, 512, 512, 3, 1, 1))).as("large map").isNull();
            assertThat(PixelProducts.forward(device, new ConvGeometry(32, 2, 2, 64, 64, 3, 1, 1))).as("small weights").isNull();
            assertThat(PixelProducts.forward(device, new ConvGeometry(4, 2, 2, 512, 512, 3, 1, 1))).as("few images").isNull();
            assertThat(PixelProducts.backwardData(device, new ConvGeometry(32, 8, 8, 256, 512, 3, 3, 1)))
                    .as("pixels that no tap meets")
                    .isNull();
        }
    }

    private static void sum(
            ConvGeometry g, MemorySegment x, MemorySegment dy, MemorySegment weights, double[] y, double[] dx,
            double[] dw) {
        for (int row = 0; row < g.rows(); row++) {
            int top = row / g.outWidth() % g.outHeight() * g.stride() - g.padding();
            int left = row % g.outWidth() * g.stride() - g.padding();
            for (int tap = 0; tap < g.kernel() * g.kernel(); tap++) {
                int h = top + tap / g.kernel();
                int w = left + tap % g.kernel();
                if (h < 0 || w < 0 || h >= g.height() || w >= g.width()) {
                    continue;
                }
                int pixel = (row / g.outWidth() / g.outHeight() * g.height() + h) * g.width() + w;
                for (int o = 0; o < g.out(); o++) {
                    double gradient = Simd.get(dy, (long) row * g.out() + o);
                    double total = 0;
                    for (int i = 0; i < g.in(); i++) {
                        int at = (o * g.kernel() * g.kernel() + tap) * g.in() + i;
                        double weight = Simd.get(weights, at);
                        double value = Simd.get(x, (long) pixel * g.in() + i);
                        total += weight * value;
                        dw[at] += value * gradient;
                        dx[pixel * g.in() + i] += weight * gradient;
                    }
                    y[row * g.out() + o] += total;
                }
            }
        }
    }

    private static MemorySegment filled(RunArena arena, String name, long count) {
        MemorySegment memory = arena.allocate(name, count * Float.BYTES).memory();
        for (long i = 0; i < count; i++) {
            Simd.set(memory, i, (float) Math.sin(0.37 * i + 1e-5 * i * i + name.length()));
        }
        return memory;
    }

    private static void assertClose(MemorySegment got, double[] want, double tolerance) {
        double worst = 0;
        for (int i = 0; i < want.length; i++) {
            worst = Math.max(worst, Math.abs(Simd.get(got, i) - want[i]));
        }
        assertThat(worst).isCloseTo(0, within(tolerance));
    }
}
