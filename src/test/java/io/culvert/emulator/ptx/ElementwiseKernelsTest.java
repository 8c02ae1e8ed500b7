package io.culvert.emulator.ptx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Kernels that nvcc compiled: one thread an element, with divergence, calls, tables and every float type. */
class ElementwiseKernelsTest {
    private static final String FILE = "basics";

    private static Dim3 blocks(int n, int threads) {
        return Dim3.of((n + threads - 1) / threads);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 31, 33, 197, 1000})
    void addsVectorsOfAwkwardSizes(int n) {
        for (ExecutionOrder order : Gpu.ORDERS) {
            Gpu gpu = new Gpu(order);
            float[] a = Gpu.random(1, n);
            float[] b = Gpu.random(2, n);
            long out = gpu.empty(4L * n, "out");
            PtxKernel kernel = Gpu.kernel(FILE, "vector_add");
            gpu.run(kernel, blocks(n, 96), Dim3.of(96), 0, out, gpu.put("a", a), gpu.put("b", b), n);
            float[] sum = gpu.floats(out, n);
            for (int i = 0; i < n; i++) {
                assertThat(sum[i]).isEqualTo(a[i] + b[i]);
            }
        }
    }

    @Test
    void addsFourAtATime() {
        Gpu gpu = new Gpu();
        int n = 1000;
        float[] a = Gpu.random(1, n);
        float[] b = Gpu.random(2, n);
        long out = gpu.empty(4L * n, "out");
        PtxKernel kernel = Gpu.kernel(FILE, "vector_add4");
        LaunchStats stats = gpu.run(kernel, Dim3.of(2), Dim3.of(64), 0, out, gpu.put("a", a), gpu.put("b", b), n / 4);
        float[] sum = gpu.floats(out, n);
        for (int i = 0; i < n; i++) {
            assertThat(sum[i]).isEqualTo(a[i] + b[i]);
        }
        assertThat(stats.globalBytesRead()).isEqualTo(8L * n);
        assertThat(stats.globalBytesWritten()).isEqualTo(4L * n);
    }

    @Test
    void lanesLeaveALoopAtTheirOwnTime() {
        int n = 500;
        for (ExecutionOrder order : Gpu.ORDERS) {
            Gpu gpu = new Gpu(order);
            long out = gpu.empty(4L * n, "steps");
            LaunchStats stats = gpu.run(Gpu.kernel(FILE, "collatz"), blocks(n, 128), Dim3.of(128), 0, out, n);
            int[] steps = gpu.ints(out, n);
            for (int i = 0; i < n; i++) {
                int count = 0;
                for (long v = i + 1L; v != 1 && count <= 200; count++) {
                    v = v % 2 == 1 ? 3 * v + 1 : v / 2;
                }
                assertThat(steps[i]).isEqualTo(count);
            }
            assertThat(stats.divergentBranches()).isPositive();
        }
    }

    @Test
    void everyLaneTakesItsOwnCaseOfASwitch() {
        int n = 300;
        float[] a = Gpu.random(3, n);
        float[] b = Gpu.random(4, n);
        int[] op = new int[n];
        for (int i = 0; i < n; i++) {
            op[i] = i * 7 % 11;
            a[i] = Math.abs(a[i]) + 0.1f;
        }
        for (ExecutionOrder order : Gpu.ORDERS) {
            Gpu gpu = new Gpu(order);
            long out = gpu.empty(4L * n, "out");
            PtxKernel kernel = Gpu.kernel(FILE, "choose");
            gpu.run(kernel, blocks(n, 64), Dim3.of(64), 0, out, gpu.put("op", op), gpu.put("a", a), gpu.put("b", b), n);
            float[] result = gpu.floats(out, n);
            for (int i = 0; i < n; i++) {
                double x = a[i];
                double y = b[i];
                double expected = switch (op[i]) {
                    case 0 -> a[i] + b[i];
                    case 1 -> a[i] - b[i];
                    case 2 -> a[i] * b[i];
                    case 3 -> a[i] / b[i];
                    case 4 -> Math.sqrt(x);
                    case 5 -> Math.min(x, y);
                    case 6 -> Math.exp(x);
                    case 7 -> Math.sin(y);
                    case 8 -> Math.pow(x, y);
                    default -> -1;
                };
                float tolerance = op[i] < 6 ? Math.ulp((float) expected) / 2 : 4 * Math.ulp((float) expected);
                assertThat((double) result[i]).as("case %d", op[i]).isCloseTo(expected, within((double) tolerance));
            }
        }
    }

    @Test
    void sineReducesLargeArguments() {
        int n = 64;
        float[] y = new float[n];
        int[] op = new int[n];
        Arrays.fill(op, 7);
        for (int i = 0; i < n; i++) {
            y[i] = (i % 2 == 0 ? 1e6f : 3e12f) * (i + 1) + 0.37f;
        }
        Gpu gpu = new Gpu();
        long out = gpu.empty(4L * n, "out");
        gpu.run(
                Gpu.kernel(FILE, "choose"),
                Dim3.of(1),
                Dim3.of(n),
                0,
                out,
                gpu.put("op", op),
                gpu.put("a", y),
                gpu.put("b", y),
                n);
        float[] result = gpu.floats(out, n);
        for (int i = 0; i < n; i++) {
            assertThat((double) result[i]).isCloseTo(Math.sin(y[i]), within(2e-7));
        }
    }

    @Test
    void callsFunctionsAndRecurses() {
        int n = 100;
        float[] coefficients = {1, -0.5f, 0.25f, 3, 0.125f, 7, -2};
        float[] x = Gpu.random(5, n);
        for (ExecutionOrder order : Gpu.ORDERS) {
            Gpu gpu = new Gpu(order);
            long out = gpu.empty(4L * n, "out");
            long fact = gpu.put("fact", new int[n]);
            long c = gpu.put("coefficients", coefficients);
            PtxKernel kernel = Gpu.kernel(FILE, "calls");
            gpu.run(kernel, blocks(n, 64), Dim3.of(64), 0, out, fact, c, gpu.put("x", x), coefficients.length, n);
            float[] result = gpu.floats(out, n);
            int[] factorials = gpu.ints(fact, n);
            for (int i = 0; i < n; i++) {
                float expected = 0;
                for (int k = coefficients.length - 1; k >= 0; k--) {
                    expected = Math.fma(expected, x[i], coefficients[k]);
                }
                int factorial = 1;
                for (int k = 2; k <= i % 11; k++) {
                    factorial *= k;
                }
                assertThat(result[i]).isEqualTo(expected);
                assertThat(factorials[i]).isEqualTo(i % 3 == 0 ? factorial : 0);
            }
        }
    }

    @Test
    void doublePrecision() {
        int n = 150;
        double[] a = new double[n];
        double[] b = new double[n];
        for (int i = 0; i < n; i++) {
            a[i] = Math.sin(i + 1) * 50;
            b[i] = Math.cos(3 * i + 1) * 20 + 0.01;
        }
        Gpu gpu = new Gpu();
        long out = gpu.empty(8L * n, "out");
        gpu.run(
                Gpu.kernel(FILE, "double_math"),
                blocks(n, 64),
                Dim3.of(64),
                0,
                out,
                gpu.put("a", a),
                gpu.put("b", b),
                n);
        double[] result = gpu.doubles(out, n);
        for (int i = 0; i < n; i++) {
            double x = a[i];
            double y = b[i];
            double expected = Math.fma(x, y, x / y)
                    + Math.sqrt(Math.abs(x))
                    - Math.floor(y)
                    + (long) (x * 1000)
                    + Math.exp(y * 0.01)
                    + Math.log(Math.abs(x) + 1);
            assertThat(result[i]).isCloseTo(expected, within(1e-12 * (1 + Math.abs(x * 1000))));
        }
    }

    @Test
    void sortsInLocalMemory() {
        int rows = 70;
        int[] data = new SplittableRandom(6).ints(16L * rows, -99, 99).toArray();
        Gpu gpu = new Gpu();
        long address = gpu.put("data", data);
        LaunchStats stats = gpu.run(Gpu.kernel(FILE, "sort_small"), blocks(rows, 32), Dim3.of(32), 0, address, rows);
        for (int row = 0; row < rows; row++) {
            Arrays.sort(data, 16 * row, 16 * row + 16);
        }
        assertThat(gpu.ints(address, data.length)).isEqualTo(data);
        assertThat(stats.warpInstructions(InstructionClass.LOCAL_MEMORY)).isPositive();
    }

    @Test
    void readsConstantsAndCountsInAModuleVariable() {
        int n = 40;
        int[] index = new SplittableRandom(7).ints(n, 0, 8).toArray();
        Gpu gpu = new Gpu();
        long out = gpu.empty(4L * n, "out");
        PtxKernel kernel = Gpu.kernel(FILE, "lookup");
        gpu.run(kernel, blocks(n, 32), Dim3.of(32), 0, out, gpu.put("index", index), n);
        float[] result = gpu.floats(out, n);
        for (int i = 0; i < n; i++) {
            assertThat(result[i]).isEqualTo(1 << index[i]);
        }
        long counter = gpu.interpreter.load(kernel.module()).address("counter");
        assertThat(gpu.ints(counter, 1)[0]).isEqualTo(7 + n);
    }

    @Test
    void halfPrecision() {
        int n = 200;
        float[] x = Gpu.random(8, n);
        Gpu gpu = new Gpu();
        long h = gpu.empty(2L * n, "h");
        long b = gpu.empty(2L * n, "b");
        gpu.run(Gpu.kernel(FILE, "half_math"), blocks(n, 64), Dim3.of(64), 0, h, b, gpu.put("x", x), n);
        for (int i = 0; i < n; i++) {
            float v = half(x[i]);
            float w = half(half(v * v) + 0.5f);
            assertThat(Float.float16ToFloat(gpu.shorts(h, n)[i])).isEqualTo(Math.max(w, -v));
            double c = bfloat(x[i]);
            assertThat(Float.intBitsToFloat(gpu.shorts(b, n)[i] << 16)).isEqualTo(bfloat(c * c + 1.25));
        }
    }

    @Test
    void pairsOfHalves() {
        int n = 64;
        float[] x = Gpu.random(9, 2 * n);
        Gpu gpu = new Gpu();
        long h = gpu.empty(4L * n, "h");
        long b = gpu.empty(4L * n, "b");
        gpu.run(Gpu.kernel(FILE, "half2_math"), Dim3.of(1), Dim3.of(64), 0, h, b, gpu.put("x", x), n);
        for (int i = 0; i < 2 * n; i++) {
            float v = half(x[i]);
            float sum = half(v + 1);
            assertThat(Float.float16ToFloat(gpu.shorts(h, 2 * n)[i])).isEqualTo(half((float) ((double) v * v + sum)));
            double c = bfloat(x[i]);
            double product = c * bfloat(c - 3);
            assertThat(Float.intBitsToFloat(gpu.shorts(b, 2 * n)[i] << 16)).isEqualTo(bfloat(product));
        }
    }

    private static float half(float value) {
        return Float.float16ToFloat(Float.floatToFloat16(value));
    }

    /** The nearest bf16, ties to even, by way of the neighbours' distance. */
    private static float bfloat(double value) {
        float below = Float.intBitsToFloat(Float.floatToRawIntBits((float) value) & 0xffff0000);
        float next = Float.intBitsToFloat(Float.floatToRawIntBits(below) + 0x10000);
        double toBelow = Math.abs(value - below);
        double toNext = Math.abs(next - value);
        boolean even = (Float.floatToRawIntBits(below) >>> 16 & 1) == 0;
        return toBelow < toNext || toBelow == toNext && even ? below : next;
    }
}
