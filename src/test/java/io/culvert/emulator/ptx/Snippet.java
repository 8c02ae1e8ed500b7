package io.culvert.emulator.ptx;

import java.util.Arrays;

/**
 * Runs a few PTX instructions on columns of values. Operands: 64-bit {@code %da %db %dc}, their lower halves {@code %ra
 * %rb %rc} and lower 16 bits {@code %ha %hb %hc}. The result goes to {@code %d} (64 bits), {@code %r}, {@code %h} or
 * {@code %p}; scratch registers are {@code %t0} to {@code %t9} (32 bits) and {@code %q0} to {@code %q9} (predicates).
 */
final class Snippet {
    private static final String TEXT = """
        .version 8.0
        .target sm_80
        .address_size 64
        .visible .entry k(.param .u64 k0, .param .u64 k1, .param .u64 k2, .param .u64 k3) {
          .reg .pred %%p, %%q<10>;
          .reg .b16 %%h, %%ha, %%hb, %%hc;
          .reg .b32 %%r, %%ra, %%rb, %%rc, %%t<10>, %%hi;
          .reg .b64 %%d, %%da, %%db, %%dc, %%at<5>, %%off;
          ld.param.u64 %%at0, [k0];
          ld.param.u64 %%at1, [k1];
          ld.param.u64 %%at2, [k2];
          ld.param.u64 %%at3, [k3];
          mov.u32 %%hi, %%tid.x;
          mul.wide.u32 %%off, %%hi, 8;
          add.s64 %%at0, %%at0, %%off;
          add.s64 %%at1, %%at1, %%off;
          add.s64 %%at2, %%at2, %%off;
          add.s64 %%at3, %%at3, %%off;
          ld.global.u64 %%da, [%%at1];
          ld.global.u64 %%db, [%%at2];
          ld.global.u64 %%dc, [%%at3];
          cvt.u32.u64 %%ra, %%da;
          cvt.u32.u64 %%rb, %%db;
          cvt.u32.u64 %%rc, %%dc;
          cvt.u16.u64 %%ha, %%da;
          cvt.u16.u64 %%hb, %%db;
          cvt.u16.u64 %%hc, %%dc;
          %s
          %s
          st.global.u64 [%%at0], %%d;
          ret;
        }
        """;

    private Snippet() {}

    /** One row's result; for %r and %h zero-extended, for %p 0 or 1. */
    interface Expected {
        long of(long a, long b, long c);
    }

    static String module(String body) {
        String result = body.contains("%d,") || body.contains("%d;")
                ? ""
                : body.matches("(?s).*%r[,;|].*")
                        ? "cvt.u64.u32 %d, %r;"
                        : body.matches("(?s).*%h[,;}].*") ? "cvt.u64.u16 %d, %h;" : "selp.u64 %d, 1, 0, %p;";
        return TEXT.formatted(body, result);
    }

    static long[] run(String body, long[] a, long[] b, long[] c) {
        PtxKernel kernel = PtxModule.parse(module(body)).kernel("k");
        Gpu gpu = new Gpu();
        long[] results = new long[a.length];
        for (int from = 0; from < a.length; from += 1024) {
            int n = Math.min(1024, a.length - from);
            long out = gpu.empty(8L * n, "out");
            gpu.run(
                    kernel,
                    Dim3.of(1),
                    Dim3.of(n),
                    0,
                    out,
                    part(gpu, a, from, n),
                    part(gpu, b, from, n),
                    part(gpu, c, from, n));
            System.arraycopy(gpu.longs(out, n), 0, results, from, n);
        }
        return results;
    }

    private static long part(Gpu gpu, long[] values, int from, int n) {
        return gpu.put("operand", Arrays.copyOfRange(values, from, from + n));
    }

    /** Runs on all triples of {@code values} and compares with {@code expected}. */
    static void check(String body, long[] values, Expected expected) {
        int n = values.length;
        int thirds = body.contains("%rc") || body.contains("%dc") || body.contains("%hc") ? n : 1;
        int seconds = body.contains("%rb") || body.contains("%db") || body.contains("%hb") ? n : 1;
        int rows = n * seconds * thirds;
        long[] a = new long[rows];
        long[] b = new long[rows];
        long[] c = new long[rows];
        for (int i = 0; i < rows; i++) {
            a[i] = values[i % n];
            b[i] = values[i / n % n];
            c[i] = values[i / n / n % n];
        }
        long[] results = run(body, a, b, c);
        for (int i = 0; i < rows; i++) {
            long want = expected.of(a[i], b[i], c[i]);
            if (results[i] != want) {
                throw new AssertionError("%s on 0x%x 0x%x 0x%x: 0x%x, expected 0x%x"
                        .formatted(body, a[i], b[i], c[i], results[i], want));
            }
        }
    }
}
