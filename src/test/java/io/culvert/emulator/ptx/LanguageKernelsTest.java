package io.culvert.emulator.ptx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What CUDA C++ has beyond arithmetic: {@code language.cu}. */
class LanguageKernelsTest {
    private static final String FILE = "language";
    private static final Dim3 ONE = Dim3.of(1);
    private static final Dim3 WARP = Dim3.of(32);

    @Test
    void variablesThatPointToOthers() {
        Gpu gpu = new Gpu();
        long out = gpu.empty(56, "out");
        gpu.run(Gpu.kernel(FILE, "variables"), ONE, ONE, 0, out);
        assertThat(gpu.doubles(out, 7)).containsExactly(6, 'e', 0, 1, 2.5, 'x' * 1000 - 7, -10);
    }

    @Test
    void callsThroughPointers() {
        for (ExecutionOrder order : Gpu.ORDERS) {
            Gpu gpu = new Gpu(order);
            long out = gpu.empty(128, "out");
            gpu.run(Gpu.kernel(FILE, "pointers"), ONE, WARP, 0, out, 1);
            float[] result = gpu.floats(out, 32);
            gpu.run(Gpu.kernel(FILE, "overridden"), ONE, WARP, 0, out);
            float[] virtual = gpu.floats(out, 32);
            for (int i = 0; i < 32; i++) {
                assertThat(result[i]).isEqualTo((i + 1) % 2 == 0 ? i + 1 : 2 * i);
                assertThat(virtual[i]).isEqualTo(i % 2 == 1 ? 3 * i : i + 10);
            }
        }
    }

    @Test
    void oneLabelInTwoPairsOfBraces() {
        int[] x = new SplittableRandom(1).ints(32, -20, 90).toArray();
        Gpu gpu = new Gpu();
        long out = gpu.empty(128, "out");
        gpu.run(Gpu.kernel(FILE, "labels"), ONE, WARP, 0, out, gpu.put("x", x));
        for (int i = 0; i < 32; i++) {
            int a = x[i];
            do {
                a -= 3;
            } while (a > 0);
            do {
                a += 7;
            } while (a < 30);
            assertThat(gpu.ints(out, 32)[i]).isEqualTo(a);
        }
    }

    /** 64 integers of 128 bits as pairs of words, the upper first; the divisors are of all lengths. */
    private static long[] wide(long seed, boolean shorten) {
        SplittableRandom random = new SplittableRandom(seed);
        long[] words = new long[128];
        for (int i = 0; i < 64; i++) {
            BigInteger value = word(random.nextLong()).shiftLeft(64).or(word(random.nextLong()));
            value = value.shiftRight(shorten ? 2 * i : 0).or(BigInteger.ONE);
            words[2 * i] = value.shiftRight(64).longValue();
            words[2 * i + 1] = value.longValue();
        }
        return words;
    }

    private static BigInteger word(long bits) {
        return new BigInteger(Long.toUnsignedString(bits));
    }

    private static BigInteger value(long[] words, int from, int count) {
        BigInteger value = BigInteger.ZERO;
        for (int i = from; i < from + count; i++) {
            value = value.shiftLeft(64).or(word(words[i]));
        }
        return value;
    }

    @Test
    void quotientsOf128BitsAndProductsOf256() {
        long[] x = wide(2, false);
        long[] y = wide(3, true);
        Gpu gpu = new Gpu();
        long out = gpu.empty(64 * 32, "out");
        gpu.run(Gpu.kernel(FILE, "divide128"), ONE, Dim3.of(64), 0, out, gpu.put("x", x), gpu.put("y", y));
        long[] quotients = gpu.longs(out, 256);
        gpu.run(Gpu.kernel(FILE, "product256"), ONE, Dim3.of(64), 0, out, gpu.put("x", x), gpu.put("y", y));
        long[] products = gpu.longs(out, 256);
        for (int i = 0; i < 64; i++) {
            BigInteger a = value(x, 2 * i, 2);
            BigInteger b = value(y, 2 * i, 2);
            assertThat(value(quotients, 4 * i, 2)).isEqualTo(a.divide(b));
            assertThat(value(quotients, 4 * i + 2, 2)).isEqualTo(a.mod(b));
            assertThat(value(products, 4 * i, 4)).isEqualTo(a.multiply(b));
        }
    }

    @Test
    void bytesAndHalvesOfWords() {
        int[] x = new SplittableRandom(4).ints(32).toArray();
        int[] y = new SplittableRandom(5).ints(32).toArray();
        Gpu gpu = new Gpu();
        long out = gpu.empty(512, "out");
        gpu.run(Gpu.kernel(FILE, "bytes"), ONE, WARP, 0, out, gpu.put("x", x), gpu.put("y", y));
        int[] result = gpu.ints(out, 128);
        for (int i = 0; i < 32; i++) {
            int differences = 0;
            int signedSum = 0;
            int saturated = 0;
            for (int k = 0; k < 32; k += 8) {
                differences |= Math.abs((x[i] >>> k & 255) - (y[i] >>> k & 255)) << k;
                signedSum += Math.abs((byte) (x[i] >>> k) - (byte) (y[i] >>> k));
                saturated |= (Math.clamp((byte) (x[i] >>> k) + (byte) (y[i] >>> k), -128, 127) & 255) << k;
            }
            int halves = Math.abs((x[i] & 0xffff) - (y[i] & 0xffff)) + Math.abs((x[i] >>> 16) - (y[i] >>> 16));
            assertThat(Arrays.copyOfRange(result, 4 * i, 4 * i + 4))
                    .containsExactly(differences, signedSum, halves, saturated);
        }
    }

    @Test
    void rootsAndReciprocalsRoundedDownAndUp() {
        double[] x = new SplittableRandom(6).doubles(32, 1e-3, 1e3).toArray();
        Gpu gpu = new Gpu();
        long out = gpu.empty(1024, "out");
        gpu.run(Gpu.kernel(FILE, "roots"), ONE, WARP, 0, out, gpu.put("x", x));
        double[] result = gpu.doubles(out, 128);
        for (int i = 0; i < 32; i++) {
            BigDecimal exact = new BigDecimal(x[i]);
            assertThat(square(result[4 * i])).isLessThanOrEqualTo(exact);
            assertThat(square(Math.nextUp(result[4 * i]))).isGreaterThan(exact);
            assertThat(square(result[4 * i + 1])).isGreaterThanOrEqualTo(exact);
            assertThat(square(Math.nextDown(result[4 * i + 1]))).isLessThan(exact);
            assertThat(exact.multiply(new BigDecimal(result[4 * i + 2]))).isLessThanOrEqualTo(BigDecimal.ONE);
            assertThat(exact.multiply(new BigDecimal(Math.nextUp(result[4 * i + 2])))).isGreaterThan(BigDecimal.ONE);
            assertThat(exact.multiply(new BigDecimal(result[4 * i + 3]))).isGreaterThanOrEqualTo(BigDecimal.ONE);
            assertThat(exact.multiply(new BigDecimal(Math.nextDown(result[4 * i + 3])))).isLessThan(BigDecimal.ONE);
        }
    }

    private static BigDecimal square(double x) {
        return new BigDecimal(x).multiply(new BigDecimal(x));
    }

    @Test
    void printfIsRefusedWhereItRuns() {
        Gpu gpu = new Gpu();
        long out = gpu.empty(128, "out");
        gpu.run(Gpu.kernel(FILE, "prints"), ONE, WARP, 0, out, 32);
        assertThat(gpu.ints(out, 32)).containsOnly(1);
        KernelFault fault = catchThrowableOfType(
                KernelFault.class, () -> gpu.run(Gpu.kernel(FILE, "prints"), ONE, WARP, 0, out, 31));
        assertThat(fault.kind()).isEqualTo(KernelFault.Kind.UNSUPPORTED);
        assertThat(fault).hasMessageContaining("unsupported: call of 'vprintf'").hasMessageContaining("(31,0,0)");
    }
}
