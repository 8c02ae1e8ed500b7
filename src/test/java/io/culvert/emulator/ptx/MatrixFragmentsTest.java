package io.culvert.emulator.ptx;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** nvcuda::wmma on small whole numbers, which every type holds exactly: {@code fragments.cu}. */
class MatrixFragmentsTest {
    private static final int[] A = new SplittableRandom(1).ints(256, -8, 9).toArray();
    private static final int[] B = new SplittableRandom(2).ints(256, -8, 9).toArray();
    private static final int[] C = new SplittableRandom(3).ints(256, -99, 100).toArray();

    /** 2 (a b + c), rows first, of operands that are stored by rows or by columns. */
    private static int[] expected(boolean rowsOfA, boolean rowsOfB) {
        int[] result = new int[256];
        for (int i = 0; i < 256; i++) {
            int sum = C[i];
            for (int k = 0; k < 16; k++) {
                int a = rowsOfA ? A[i / 16 * 16 + k] : A[k * 16 + i / 16];
                int b = rowsOfB ? B[k * 16 + i % 16] : B[i % 16 * 16 + k];
                sum += a * b;
            }
            result[i] = 2 * sum;
        }
        return result;
    }

    private static short[] shorts(int[] values, boolean brain) {
        short[] bits = new short[values.length];
        for (int i = 0; i < bits.length; i++) {
            int single = Float.floatToRawIntBits(values[i]);
            bits[i] = brain ? (short) (single >>> 16) : Float.floatToFloat16(values[i]);
        }
        return bits;
    }

    private static void check(String kernel, boolean brain, boolean rowsOfA, boolean rowsOfB) {
        Gpu gpu = new Gpu();
        float[] sums = new float[256];
        for (int i = 0; i < 256; i++) {
            sums[i] = C[i];
        }
        long c = gpu.put("c", sums);
        long a = gpu.put("a", shorts(A, brain));
        long b = gpu.put("b", shorts(B, brain));
        gpu.run(Gpu.kernel("fragments", kernel), Dim3.of(1), Dim3.of(32), 0, c, a, b);
        int[] expected = expected(rowsOfA, rowsOfB);
        for (int i = 0; i < 256; i++) {
            assertThat(gpu.floats(c, 256)[i]).isEqualTo(expected[i]);
        }
    }

    @Test
    void halves() {
        check("halves", false, true, false);
        check("halves_in_shared", false, false, true);
        check("brains", true, true, true);
    }

    @Test
    void bytes() {
        Gpu gpu = new Gpu();
        byte[] a = new byte[256];
        byte[] b = new byte[256];
        for (int i = 0; i < 256; i++) {
            a[i] = (byte) A[i];
            b[i] = (byte) B[i];
        }
        long c = gpu.put("c", C);
        gpu.run(Gpu.kernel("fragments", "bytes"), Dim3.of(1), Dim3.of(32), 0, c, gpu.put("a", a), gpu.put("b", b));
        assertThat(gpu.ints(c, 256)).isEqualTo(expected(true, false));
    }
}
