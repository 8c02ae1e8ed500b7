package io.culvert.device.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.culvert.device.CpuDevice;
import io.culvert.device.RunArena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Against plain sums in double precision; the weights are wide, high with few rows, and high with many, which are transposed. */
class WeightGradientTest {
    @ParameterizedTest
    @CsvSource({"1030, 31, 17, 400, 1", "33, 17, 31, 33, 1", "1030, 17, 33, 400, 1", "1030, 31, 97, 1030, 0", "2048, 1, 2, 64, 1"})
    void equalsPlainSums(int rows, int in, int out, int chunk, float keep) {
        try (CpuDevice device = CpuDevice.open(2);
                RunArena arena = new RunArena(device)) {
            MemorySegment x = filled(arena, "x", rows * in);
            MemorySegment dy = filled(arena, "dy", rows * out);
            MemorySegment gradient = filled(arena, "gradient", out * in);
            float[] before = new float[out * in];
            for (int i = 0; i < before.length; i++) {
                before[i] = keep == 0 ? 0 : Simd.get(gradient, i);
            }
            if (keep == 0) {
                Simd.set(gradient, 0, Float.NaN);
            }
            WeightGradient dweight = new WeightGradient(device.oneDnn(), device.workers(), 0, rows, in, out);
            for (int repeat = 0; repeat < 2; repeat++) {
                dweight.start(gradient, keep);
                RowBlocks chunksOfX = new RowBlocks(rows, chunk);
                RowBlocks chunksOfDy = new RowBlocks(rows, chunk);
                chunksOfX.of(x);
                chunksOfDy.of(dy);
                for (int i = 0; i < chunksOfX.count(); i++) {
                    dweight.add(chunksOfDy.at(i), chunksOfX.at(i), chunksOfX.rows(i));
                }
                dweight.finish();
            }
            double times = keep == 0 ? 1 : 2;
            for (int o = 0; o < out; o++) {
                for (int i = 0; i < in; i++) {
                    double sum = 0;
                    for (int row = 0; row < rows; row++) {
                        sum += (double) Simd.get(dy, (long) row * out + o) * Simd.get(x, (long) row * in + i);
                    }
                    double expected = before[o * in + i] + times * sum;
                    assertThat((double) Simd.get(gradient, (long) o * in + i))
                            .isCloseTo(expected, within(2e-7 * rows));
                }
            }
        }
    }

    private static MemorySegment filled(RunArena arena, String name, int count) {
        MemorySegment memory = arena.allocate(name, (long) count * Float.BYTES).memory();
        for (int i = 0; i < count; i++) {
            Simd.set(memory, i, (float) Math.sin(0.37 * i + 1e-4 * i * i + name.length()));
        }
        return memory;
    }
}
