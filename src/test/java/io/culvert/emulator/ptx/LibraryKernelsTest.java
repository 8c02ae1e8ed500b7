package io.culvert.emulator.ptx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.within;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Library code that nvcc compiled: cooperative groups, CUB, 128-bit integers, generic pointers, jump tables. */
class LibraryKernelsTest {
    private static final String FILE = "library";
    private static final Dim3 ONE = Dim3.of(1);

    @Test
    void cooperativeGroups() {
        for (ExecutionOrder order : Gpu.ORDERS) {
            Gpu gpu = new Gpu(order);
            float[] in = Gpu.random(1, 96);
            long out = gpu.empty(24, "out");
            gpu.run(Gpu.kernel(FILE, "group_sums"), ONE, Dim3.of(96), 0, out, gpu.put("in", in));
            for (int tile = 0; tile < 6; tile++) {
                double sum = 0;
                for (int i = 0; i < 16; i++) {
                    sum += in[16 * tile + i];
                }
                assertThat((double) gpu.floats(out, 6)[tile]).isCloseTo(sum, within(1e-5));
            }
        }
    }

    @Test
    void cubReducesScansAndSorts() {
        for (ExecutionOrder order : Gpu.ORDERS) {
            Gpu gpu = new Gpu(order);
            float[] in = Gpu.random(1, 128);
            int[] keys = new SplittableRandom(2).ints(256, -100000, 100000).toArray();
            long sum = gpu.empty(4, "sum");
            long prefix = gpu.empty(512, "prefix");
            long sorted = gpu.put("keys", keys);
            gpu.run(Gpu.kernel(FILE, "cub_block"), ONE, Dim3.of(128), 0, sum, gpu.put("in", in), prefix, sorted);
            double total = 0;
            int before = 0;
            for (int i = 0; i < 128; i++) {
                assertThat(gpu.ints(prefix, 128)[i]).isEqualTo(before);
                total += in[i];
                before += keys[i];
            }
            assertThat((double) gpu.floats(sum, 1)[0]).isCloseTo(total, within(1e-4));
            Arrays.sort(keys);
            assertThat(gpu.ints(sorted, 256)).isEqualTo(keys);
        }
    }

    @Test
    void integersOf128Bits() {
        long[] a = new SplittableRandom(3).longs(32).toArray();
        long[] b = new SplittableRandom(4).longs(32).toArray();
        Gpu gpu = new Gpu();
        long out = gpu.empty(512, "out");
        gpu.run(Gpu.kernel(FILE, "wide_product"), ONE, Dim3.of(32), 0, out, gpu.put("a", a), gpu.put("b", b));
        for (int i = 0; i < 32; i++) {
            BigInteger x = new BigInteger(Long.toUnsignedString(a[i]));
            BigInteger y = new BigInteger(Long.toUnsignedString(b[i]));
            BigInteger p = x.multiply(y).add(x).subtract(y);
            assertThat(gpu.longs(out, 64)[2 * i]).isEqualTo(p.longValue());
            assertThat(gpu.longs(out, 64)[2 * i + 1]).isEqualTo(p.shiftRight(64).longValue());
        }
    }

    @Test
    void structuresByValue() {
        Gpu gpu = new Gpu();
        long out = gpu.empty(4 * 40, "out");
        ByteBuffer options = ByteBuffer.allocate(40).order(ByteOrder.LITTLE_ENDIAN);
        options.putLong(out).putInt(40);
        for (int i = 0; i < 5; i++) {
            options.putFloat(i * i);
        }
        options.put((byte) -3);
        PtxKernel kernel = Gpu.kernel(FILE, "by_value");
        assertThat(kernel.parameters()).extracting(PtxKernel.Parameter::offset).containsExactly(0, 40, 44);
        gpu.run(kernel, ONE, Dim3.of(64), 0, options.array(), (short) 100, 4);
        float[] result = gpu.floats(out, 40);
        for (int i = 0; i < 40; i++) {
            assertThat(result[i]).isEqualTo((i % 5) * (i % 5) - 3 + 100 + 16);
        }
    }

    @Test
    void genericPointers() {
        for (ExecutionOrder order : Gpu.ORDERS) {
            Gpu gpu = new Gpu(order);
            float[] x = Gpu.random(5, 64);
            long out = gpu.put("out", x);
            long triple = gpu.empty(512, "triple");
            gpu.run(Gpu.kernel(FILE, "pointers"), ONE, Dim3.of(64), 0, out, triple);
            for (int i = 0; i < 64; i++) {
                assertThat(gpu.floats(out, 64)[i]).isEqualTo(4 * x[i ^ 1]);
                assertThat(gpu.doubles(triple, 64)[i]).isEqualTo((double) (3 * (2 * x[i])));
            }
        }
    }

    @Test
    void jumpTable() {
        for (ExecutionOrder order : Gpu.ORDERS) {
            Gpu gpu = new Gpu(order);
            int[] which = new SplittableRandom(6).ints(32, 0, 4).toArray();
            long out = gpu.empty(128, "out");
            gpu.run(Gpu.kernel(FILE, "jump"), ONE, Dim3.of(32), 0, out, gpu.put("which", which));
            for (int i = 0; i < 32; i++) {
                assertThat(gpu.ints(out, 32)[i]).isEqualTo(new int[] {10, 20, 30, 20}[which[i]]);
            }
        }
        Gpu gpu = new Gpu();
        long which = gpu.put("which", 4);
        KernelFault fault = catchThrowableOfType(
                KernelFault.class, () -> gpu.run(Gpu.kernel(FILE, "jump"), ONE, ONE, 0, gpu.empty(128, "out"), which));
        assertThat(fault).hasMessageContaining("branch index 4 with 4 targets");
    }

    @Test
    void barrierThatSomeOnlyArriveAt() {
        for (ExecutionOrder order : Gpu.ORDERS) {
            Gpu gpu = new Gpu(order);
            long out = gpu.empty(256, "out");
            gpu.run(Gpu.kernel(FILE, "give_and_take"), ONE, Dim3.of(128), 0, out);
            for (int i = 0; i < 64; i++) {
                assertThat(gpu.ints(out, 64)[i]).isEqualTo((63 - i) * (63 - i));
            }
            Gpu other = new Gpu(order);
            other.interpreter.findUninitialised(false);
            long racy = other.empty(256, "out");
            KernelFault fault = catchThrowableOfType(
                    KernelFault.class, () -> other.run(Gpu.kernel(FILE, "take_at_once"), ONE, Dim3.of(128), 0, racy));
            assertThat(fault.kind()).isEqualTo(KernelFault.Kind.SHARED_RACE);
        }
    }
}
