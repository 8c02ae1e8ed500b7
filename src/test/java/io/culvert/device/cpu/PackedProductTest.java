package io.culvert.device.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.culvert.device.CpuDevice;
import io.culvert.device.RunArena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Products with and without a residual against plain sums in double precision, every block by another worker than the one before. */
class PackedProductTest {
    private static final int THREADS = 2;

    @ParameterizedTest
    @CsvSource({"1, 1, 1, 1", "31, 33, 31, 31", "33, 31, 197, 8", "197, 33, 1, 64", "129, 192, 33, 64", "64, 5, 48, 64"})
    void equalsPlainSums(int rows, int in, int out, int block) {
        try (CpuDevice device = CpuDevice.open(THREADS);
                RunArena arena = new RunArena(device)) {
            MemorySegment x = filled(arena, "x", rows * in);
            MemorySegment weight = filled(arena, "weight", out * in);
            MemorySegment bias = filled(arena, "bias", out);
            MemorySegment residual = filled(arena, "residual", rows * out);
            MemorySegment y = filled(arena, "y", rows * out);
            MemorySegment dx = filled(arena, "dx", rows * in);
            OneDnn dnn = device.oneDnn();
            PackedProduct forward = PackedProduct.forward(dnn, 0, THREADS, rows, block, in, out, true, false);
            PackedProduct adding = PackedProduct.forward(dnn, 0, THREADS, rows, block, in, out, true, true);
            PackedProduct backward = PackedProduct.backward(dnn, 1, THREADS, rows, block, in, out);
            forward.pack(weight, bias);
            backward.pack(weight);
            multiply(forward, rows, block, x, null, y);
            multiply(backward, rows, block, y, null, dx);
            MemorySegment summed = filled(arena, "summed", rows * out);
            adding.pack(weight, bias);
            multiply(adding, rows, block, x, residual, summed);
            for (int row = 0; row < rows; row++) {
                for (int o = 0; o < out; o++) {
                    double sum = Simd.get(bias, o);
                    for (int i = 0; i < in; i++) {
                        sum += (double) Simd.get(x, row * in + i) * Simd.get(weight, o * in + i);
                    }
                    assertThat((double) Simd.get(y, row * out + o)).isCloseTo(sum, within(2e-6 * in));
                    sum += Simd.get(residual, row * out + o);
                    assertThat((double) Simd.get(summed, row * out + o)).isCloseTo(sum, within(2e-6 * in));
                }
                for (int i = 0; i < in; i++) {
                    double sum = 0;
                    for (int o = 0; o < out; o++) {
                        sum += (double) Simd.get(y, row * out + o) * Simd.get(weight, o * in + i);
                    }
                    assertThat((double) Simd.get(dx, row * in + i)).isCloseTo(sum, within(2e-6 * out * in));
                }
            }
        }
    }

    private static MemorySegment filled(RunArena arena, String name, int count) {
        MemorySegment memory = arena.allocate(name, (long) count * Float.BYTES).memory();
        for (int i = 0; i < count; i++) {
            Simd.set(memory, i, (float) Math.sin(0.37 * i + name.length()));
        }
        return memory;
    }

    private static void multiply(
            PackedProduct product, int rows, int block, MemorySegment from, MemorySegment residual, MemorySegment to) {
        RowBlocks added = new RowBlocks(rows, block);
        if (residual != null) {
            added.of(residual);
        }
        RowBlocks source = new RowBlocks(rows, block);
        RowBlocks destination = new RowBlocks(rows, block);
        source.of(from);
        destination.of(to);
        for (int i = 0; i < source.count(); i++) {
            product.multiply(i % THREADS, source.at(i), added.at(i), destination.at(i), source.rows(i));
        }
    }
}
