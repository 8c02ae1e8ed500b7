package io.culvert.emulator.ptx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Loads, stores, atomics, asynchronous copies and matrix fragments. */
class MemoryInstructionsTest {
    private static final long[] VALUES = new SplittableRandom(1).longs(32).toArray();
    private static final String SHARED =
            "{.shared .align 16 .b8 s[4096]; .reg .b32 %sa, %x<8>; mul.lo.u32 %sa, %hi, 16; ";

    private static long[] run(String body) {
        return Snippet.run(body, VALUES, VALUES, VALUES);
    }

    private static void check(String body, Snippet.Expected expected) {
        Snippet.check(body, VALUES, expected);
    }

    @Test
    void widthsAndSigns() {
        check("ld.global.u8 %r, [%at1+1];", (a, b, c) -> a >>> 8 & 255);
        check("ld.global.s8 %r, [%at1+1];", (a, b, c) -> (byte) (a >>> 8) & 0xffffffffL);
        check("ld.global.s8 %h, [%at1+7];", (a, b, c) -> (byte) (a >>> 56) & 0xffff);
        check("ld.global.nc.s16 %r, [%at1+2];", (a, b, c) -> (short) (a >>> 16) & 0xffffffffL);
        check("ld.global.u32 %d, [%at1+4];", (a, b, c) -> a >>> 32);
        check("ld.global.s32 %d, [%at1+4];", (a, b, c) -> a >> 32);
        check("ld.u64 %d, [%at1];", (a, b, c) -> a);
        check("ld.volatile.global.v2.u16 {%ha, %h}, [%at1];", (a, b, c) -> a >>> 16 & 0xffff);
        check("ld.relaxed.gpu.global.L1::no_allocate.v4.u8 {%t0, %t1, %r, %t2}, [%at1];", (a, b, c) -> a >>> 16 & 255);
    }

    @Test
    void sharedAndGeneric() {
        check(
                SHARED + "mov.u32 %x0, s; add.u32 %sa, %sa, %x0; st.shared.u64 [%sa], %da; ld.shared.u16 %r, [%sa+4];}",
                (a, b, c) -> a >>> 32 & 0xffff);
        check(
                SHARED + "cvt.u64.u32 %off, %sa; mov.u64 %at4, s; cvta.shared.u64 %at4, %at4; add.s64 %at4, %at4, %off;"
                        + "st.v2.u32 [%at4], {%ra, %ra}; ld.u64 %d, [%at4];}",
                (a, b, c) -> a << 32 | a & 0xffffffffL);
        check(
                "{.local .align 8 .b8 mine[16]; mov.u64 %at4, mine; cvta.local.u64 %at4, %at4; st.u64 [%at4+8], %da;"
                        + "ld.local.u32 %r, [mine+12];}",
                (a, b, c) -> a >>> 32);
        check(
                "cvta.to.global.u64 %at4, %at1; isspacep.global %q0, %at4; isspacep.shared %q1, %at4;"
                        + "and.pred %p, %q0, !%q1;",
                (a, b, c) -> 1);
    }

    private static void atomic(String operation, long start, long end) {
        String body = "{.shared .align 8 .b8 cell[8]; .reg .b64 %v; setp.eq.u32 %q0, %hi, 0; mov.b64 %v, " + start + ";"
                + "cvt.u64.u32 %at4, %hi;"
                + "@%q0 st.shared.u64 [cell], %v; bar.sync 0; " + operation + " bar.sync 0; ld.shared.u64 %d, [cell];}";
        assertThat(run(body)).as(operation).containsOnly(end);
    }

    @Test
    void atomicsOfEveryKind() {
        atomic("atom.shared.add.u32 %t0, [cell], %hi;", 10, 10 + 496);
        atomic("atom.shared.add.u64 %off, [cell], %at4;", -500, -4);
        atomic("atom.shared.max.u32 %t0, [cell], %hi;", 7, 31);
        atomic("sub.s32 %t1, 0, %hi; atom.shared.min.s32 %t0, [cell], %t1;", 7, -31L & 0xffffffffL);
        atomic("sub.s32 %t1, 0, %hi; atom.shared.min.u32 %t0, [cell], %t1;", 7, 0);
        atomic("atom.shared.or.b32 %t0, [cell], %hi;", 64, 95);
        atomic("atom.shared.xor.b32 %t0, [cell], 1;", 5, 5);
        atomic("atom.shared.and.b32 %t0, [cell], 6;", 13, 4);
        atomic("atom.shared.exch.b32 %t0, [cell], 3;", 13, 3);
        atomic("atom.shared.inc.u32 %t0, [cell], 4;", 3, 0);
        atomic("atom.shared.dec.u32 %t0, [cell], 4;", 3, 1);
        atomic("atom.relaxed.cta.shared.cas.b32 %t0, [cell], 9, 77;", 9, 77);
        atomic("red.shared.add.f32 [cell], 0f3F800000;", 0, Float.floatToRawIntBits(32));
        atomic("mov.b64 %off, 0d3FF8000000000000; red.shared.add.f64 [cell], %off;", 0, Double.doubleToRawLongBits(48));
        atomic("mov.b32 %t1, 0x3C004000; red.shared.add.noftz.f16x2 [cell], %t1;", 0, 0x50005400);
    }

    @Test
    void atomicsReturnWhatWasThere() {
        long[] old =
                run("{.shared .align 8 .b8 cell[8]; setp.eq.u32 %q0, %hi, 0; @%q0 st.shared.u32 [cell], 5; bar.sync 0;"
                        + "atom.shared.add.u32 %r, [cell], 2;}");
        for (int lane = 0; lane < 32; lane++) {
            assertThat(old[lane]).isEqualTo(5 + 2 * lane);
        }
    }

    @Test
    void copiesArriveAtTheWait() {
        String copy = SHARED + "mov.u32 %x0, s; add.u32 %sa, %sa, %x0; and.b32 %x1, %hi, 1; setp.eq.u32 %q0, %x1, 0;"
                + "cp.async.ca.shared.global [%sa], [%at1], 8; cp.async.commit_group;"
                + "cp.async.ca.shared.global [%sa+8], [%at1], 8, 4; cp.async.commit_group; ";
        check(copy + "cp.async.wait_group 0; ld.shared.u64 %d, [%sa];}", (a, b, c) -> a);
        check(copy + "cp.async.wait_all; ld.shared.u64 %d, [%sa+8];}", (a, b, c) -> a & 0xffffffffL);
        check(copy + "cp.async.wait_group 1; ld.shared.u64 %d, [%sa];}", (a, b, c) -> a);
        assertThatThrownBy(() -> run(copy + "cp.async.wait_group 1; ld.shared.u64 %d, [%sa+8];}"))
                .hasMessageContaining("COPY_IN_FLIGHT");
        assertThatThrownBy(() -> run(SHARED + "mov.u32 %x0, s; add.u32 %sa, %sa, %x0;"
                        + "cp.async.cg.shared.global [%sa+4], [%at1], 16; ld.shared.u64 %d, [%sa];}"))
                .hasMessageContaining("MISALIGNED");
    }

    @Test
    void matrixFragments() {
        // Matrix k, row i, column j holds 1000 k + 8 i + j; lane 8 k + i gives the address of row i of matrix k.
        StringBuilder fill = new StringBuilder(SHARED);
        fill.append("mov.u32 %x0, s; add.u32 %sa, %sa, %x0; shr.u32 %x1, %hi, 3; mul.lo.u32 %x1, %x1, 1000;");
        fill.append("and.b32 %x2, %hi, 7; mad.lo.u32 %x1, %x2, 8, %x1;");
        for (int j = 0; j < 8; j++) {
            fill.append("add.u32 %x3, %x1, ")
                    .append(j)
                    .append("; st.shared.u16 [%sa+")
                    .append(2 * j)
                    .append("], %x3;");
        }
        fill.append("bar.warp.sync -1; ldmatrix.sync.aligned.m8n8.x4%s.shared.b16 {%%x4, %%x5, %%x6, %%x7}, [%%sa];");
        fill.append("mov.b64 %%d, {%%x5, %%x7};}");
        String text = fill.toString().replace("%", "%%").replace("%%%%", "%%").replace("x4%%s.", "x4%s.");
        for (boolean transposed : new boolean[] {false, true}) {
            long[] result = run(text.formatted(transposed ? ".trans" : ""));
            for (int lane = 0; lane < 32; lane++) {
                long expected = 0;
                for (int e = 0; e < 4; e++) {
                    int across = lane / 4;
                    int along = lane % 4 * 2 + e % 2;
                    int value = (e < 2 ? 1000 : 3000) + (transposed ? 8 * along + across : 8 * across + along);
                    expected |= (long) value << 16 * e;
                }
                assertThat(result[lane]).isEqualTo(expected);
            }
        }
    }

    /** Each shape with one-hot operands placed by the PTX manual's formulas for row, column and register. */
    @Test
    void tensorProductsOfEveryShape() {
        for (String shape : new String[] {
            "m16n8k16 bf16", "m16n8k16 f16", "m16n8k8 bf16", "m16n8k8 f16", "m16n8k8 tf32", "m16n8k4 tf32"
        }) {
            String size = shape.substring(0, shape.indexOf(' '));
            String type = shape.substring(shape.indexOf(' ') + 1);
            int depth = Integer.parseInt(size.substring(6));
            int per = type.equals("tf32") ? 1 : 2;
            int na = 16 * depth / 32 / per;
            int nb = 8 * depth / 32 / per;
            double[][] a = new double[16][depth];
            double[][] b = new double[depth][8];
            SplittableRandom random = new SplittableRandom(depth);
            int[][] ra = new int[na][32];
            int[][] rb = new int[nb][32];
            for (int lane = 0; lane < 32; lane++) {
                for (int i = 0; i < na * per; i++) {
                    int register = i / per;
                    int row = lane / 4 + (register % 2 == 1 ? 8 : 0);
                    int col = lane % 4 * per + i % per + (register >= 2 ? 4 * per : 0);
                    a[row][col] = random.nextInt(-8, 9);
                    ra[register][lane] |= encode(type, a[row][col]) << 16 * (i % per);
                }
                for (int i = 0; i < nb * per; i++) {
                    int row = lane % 4 * per + i % per + (i / per == 1 ? 4 * per : 0);
                    b[row][lane / 4] = random.nextInt(-8, 9);
                    rb[i / per][lane] |= encode(type, b[row][lane / 4]) << 16 * (i % per);
                }
            }
            checkProduct(size, type, a, b, ra, rb);
        }
    }

    private static int encode(String type, double value) {
        int bits = Float.floatToRawIntBits((float) value);
        return switch (type) {
            case "bf16" -> bits >>> 16;
            case "f16" -> Float.floatToFloat16((float) value) & 0xffff;
            default -> bits;
        };
    }

    private static void checkProduct(String size, String type, double[][] a, double[][] b, int[][] ra, int[][] rb) {
        StringBuilder body = new StringBuilder("{.reg .b32 %fa<4>, %fb<2>, %fd<4>;");
        Gpu gpu = new Gpu();
        for (int i = 0; i < ra.length + rb.length; i++) {
            boolean left = i < ra.length;
            // %at3 points at a table of the registers, lane by lane.
            body.append(
                    "ld.global.u32 %%f%s%d, [%%at3+%d];".formatted(left ? "a" : "b", left ? i : i - ra.length, 4 * i));
        }
        String as = list("%fa", ra.length);
        String bs = list("%fb", rb.length);
        body.append("mma.sync.aligned.%s.row.col.f32.%s.%s.f32 {%%fd0,%%fd1,%%fd2,%%fd3}, {%s}, {%s}, "
                .formatted(size, type, type, as, bs));
        body.append("{0f3F800000,0f3F800000,0f3F800000,0f3F800000};");
        for (int half = 0; half < 2; half++) {
            String text = Snippet.module(body + "mov.b64 %d, {%fd" + 2 * half + ",%fd" + (2 * half + 1) + "};}")
                    .replace("add.s64 %at3, %at3, %off", "mad.wide.u32 %at3, %hi, 32, %at3");
            int[] table = new int[32 * 8];
            for (int lane = 0; lane < 32; lane++) {
                for (int i = 0; i < ra.length + rb.length; i++) {
                    table[8 * lane + i] = i < ra.length ? ra[i][lane] : rb[i - ra.length][lane];
                }
            }
            long out = gpu.empty(256, "out");
            long in = gpu.put("in", new long[32]);
            gpu.run(
                    PtxModule.parse(text).kernel("k"),
                    Dim3.of(1),
                    Dim3.of(32),
                    0,
                    out,
                    in,
                    in,
                    gpu.put("table", table));
            float[] d = gpu.floats(out, 64);
            for (int lane = 0; lane < 32; lane++) {
                for (int e = 0; e < 2; e++) {
                    int row = lane / 4 + 8 * half;
                    double sum = 1;
                    for (int k = 0; k < b.length; k++) {
                        sum += a[row][k] * b[k][lane % 4 * 2 + e];
                    }
                    assertThat((double) d[2 * lane + e]).as(size + type).isEqualTo(sum);
                }
            }
        }
    }

    private static String list(String prefix, int count) {
        StringBuilder list = new StringBuilder();
        for (int i = 0; i < count; i++) {
            list.append(i == 0 ? "" : ",").append(prefix).append(i);
        }
        return list.toString();
    }
}
