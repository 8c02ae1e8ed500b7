package io.culvert.ops.conv2d;

import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.device.ConvGeometry;
import io.culvert.device.CpuDevice;
import io.culvert.ops.OpTestKit;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WinogradTest {
    /**
     * Threads, images, height, width, channels in and out: whole tiles, tiles over one edge and both, more than a block and more than a slice,
     * the last one not whole, more threads than there are values of a tile.
     */
    @ParameterizedTest
    @CsvSource({
        "2, 35, 4, 4, 64, 64",
        "1, 11, 7, 7, 64, 96",
        "2, 9, 8, 7, 96, 64",
        "17, 5, 9, 14, 64, 80",
        "2, 3, 17, 16, 128, 64",
        "2, 33, 16, 16, 64, 64"
    })
    void equalsTheSumOverTheTaps(int threads, int n, int height, int width, int in, int out) {
        ConvGeometry g = new ConvGeometry(n, height, width, in, out, 3, 1, 1);
        double[] x = normal(1, g.inputs());
        double[] weights = normal(2, g.weights());
        double[] dy = normal(3, g.outputs());
        double[] y = new double[dy.length];
        double[] dx = new double[x.length];
        double[] before = normal(4, g.weights());
        double[] dw = before.clone();
        for (int i = 0; i < dy.length / out; i++) {
            for (int tap = 0; tap < 9; tap++) {
                int row = i / width % height + tap / 3 - 1;
                int column = i % width + tap % 3 - 1;
                if (row >= 0 && row < height && column >= 0 && column < width) {
                    int pixel = (i / width / height * height + row) * width + column;
                    for (int o = 0; o < out; o++) {
                        int filter = (o * 9 + tap) * in;
                        double sum = 0;
                        for (int c = 0; c < in; c++) {
                            sum += weights[filter + c] * x[pixel * in + c];
                            dx[pixel * in + c] += weights[filter + c] * dy[i * out + o];
                            dw[filter + c] += x[pixel * in + c] * dy[i * out + o];
                        }
                        y[i * out + o] += sum;
                    }
                }
            }
        }
        try (CpuDevice cpu = CpuDevice.open(threads);
                Arena arena = Arena.ofShared()) {
            float[] forward = run(arena, Winograd.forward(cpu, g), x, weights, y.length);
            OpTestKit.assertClose("y", forward, y, OpTestKit.VALUE_TOLERANCE);
            float[] backward = run(arena, Winograd.backwardData(cpu, g), dy, weights, x.length);
            OpTestKit.assertClose("dx", backward, dx, OpTestKit.VALUE_TOLERANCE);
            MemorySegment gradient = memory(arena, before);
            WinogradWeights.of(cpu, g).add(memory(arena, x), memory(arena, dy), gradient);
            OpTestKit.assertClose("dw", gradient.toArray(ValueLayout.JAVA_FLOAT), dw, OpTestKit.VALUE_TOLERANCE);
        }
    }

    private static double[] normal(long seed, long count) {
        SplittableRandom random = new SplittableRandom(seed);
        double[] values = new double[Math.toIntExact(count)];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private static MemorySegment memory(Arena arena, double[] values) {
        MemorySegment memory = arena.allocate(values.length * (long) Float.BYTES, 64);
        for (int i = 0; i < values.length; i++) {
            memory.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) values[i]);
        }
        return memory;
    }

    private static float[] run(Arena arena, Winograd winograd, double[] source, double[] weights, int results) {
        MemorySegment result = arena.allocate(results * (long) Float.BYTES, 64);
        result.fill((byte) 0x7f);
        winograd.execute(memory(arena, source), memory(arena, weights), result);
        return result.toArray(ValueLayout.JAVA_FLOAT);
    }

    /** Few channels, few tiles, other windows, and maps of which tiles cover far more than there is. */
    @Test
    void leavesOtherConvolutionsAlone() {
        try (CpuDevice cpu = CpuDevice.open(1)) {
            assertThat(Winograd.forward(cpu, new ConvGeometry(64, 8, 8, 64, 64, 3, 1, 1))).isNotNull();
            for (ConvGeometry other : new ConvGeometry[] {
                new ConvGeometry(64, 8, 8, 3, 64, 3, 1, 1),
                new ConvGeometry(64, 8, 8, 64, 66, 3, 1, 1),
                new ConvGeometry(64, 8, 8, 64, 64, 3, 2, 1),
                new ConvGeometry(64, 8, 8, 64, 64, 3, 1, 0),
                new ConvGeometry(64, 8, 8, 64, 64, 1, 1, 0),
                new ConvGeometry(4, 8, 8, 64, 64, 3, 1, 1),
                new ConvGeometry(256, 2, 2, 64, 64, 3, 1, 1),
                new ConvGeometry(64, 3, 3, 64, 64, 3, 1, 1)
            }) {
                assertThat(Winograd.forward(cpu, other)).as(other.toString()).isNull();
                assertThat(Winograd.backwardData(cpu, other)).as(other.toString()).isNull();
                assertThat(WinogradWeights.of(cpu, other)).as(other.toString()).isNull();
            }
        }
    }
}
