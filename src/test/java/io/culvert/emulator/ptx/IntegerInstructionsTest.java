package io.culvert.emulator.ptx;

import static java.math.BigInteger.ONE;

import java.math.BigInteger;
import org.junit.jupiter.api.Test;

/** Integer instructions against BigInteger and bit strings, on edges and odd values. */
class IntegerInstructionsTest {
    private static final long U32 = 0xffffffffL;
    private static final long[] VALUES = {
        0,
        1,
        2,
        3,
        7,
        31,
        32,
        33,
        63,
        64,
        65,
        127,
        128,
        255,
        0x7fff,
        0x8000,
        0xffff,
        0x12345678,
        0x7fffffffL,
        0x80000000L,
        0xdeadbeefL,
        0xfffffffeL,
        0xffffffffL,
        0x123456789abcdef0L,
        Long.MAX_VALUE,
        Long.MIN_VALUE,
        -2,
        -1
    };
    private static final long[] FEW = {0, 1, 5, 31, 32, 40, 0x7fffffffL, 0x80000000L, 0xdeadbeefL, -1};

    private static BigInteger big(long bits, int width, boolean signed) {
        BigInteger unsigned = new BigInteger(Long.toUnsignedString(bits)).mod(ONE.shiftLeft(width));
        return signed && unsigned.testBit(width - 1) ? unsigned.subtract(ONE.shiftLeft(width)) : unsigned;
    }

    private static long low(BigInteger value, int width) {
        return value.mod(ONE.shiftLeft(width)).longValue();
    }

    private interface Two {
        BigInteger of(BigInteger a, BigInteger b);
    }

    private static void binary(String opcode, int width, boolean signed, Two exact) {
        String file = width == 64 ? "d" : width == 32 ? "r" : "h";
        String body = "%s %%%s, %%%sa, %%%sb;".formatted(opcode, file, file, file);
        Snippet.check(body, VALUES, (a, b, c) -> low(exact.of(big(a, width, signed), big(b, width, signed)), width));
    }

    @Test
    void sumsProductsAndOrder() {
        for (int width : new int[] {16, 32, 64}) {
            for (boolean signed : new boolean[] {false, true}) {
                String type = (signed ? ".s" : ".u") + width;
                binary("add" + type, width, signed, BigInteger::add);
                binary("sub" + type, width, signed, BigInteger::subtract);
                binary("mul.lo" + type, width, signed, BigInteger::multiply);
                binary("mul.hi" + type, width, signed, (a, b) -> a.multiply(b).shiftRight(width));
                binary("min" + type, width, signed, BigInteger::min);
                binary("max" + type, width, signed, BigInteger::max);
            }
        }
    }

    @Test
    void quotients() {
        for (int width : new int[] {16, 32, 64}) {
            for (boolean signed : new boolean[] {false, true}) {
                String type = (signed ? ".s" : ".u") + width;
                BigInteger ones = ONE.negate();
                binary("div" + type, width, signed, (a, b) -> b.signum() == 0 ? ones : a.divide(b));
                binary("rem" + type, width, signed, (a, b) -> b.signum() == 0 ? a : a.remainder(b));
            }
        }
    }

    @Test
    void wideProducts() {
        Snippet.check("mul.wide.s32 %d, %ra, %rb;", VALUES, (a, b, c) -> (long) (int) a * (int) b);
        Snippet.check("mul.wide.u32 %d, %ra, %rb;", VALUES, (a, b, c) -> (a & U32) * (b & U32));
        Snippet.check("mul.wide.s16 %r, %ha, %hb;", VALUES, (a, b, c) -> (short) a * (short) b & U32);
        Snippet.check("mul.wide.u16 %r, %ha, %hb;", VALUES, (a, b, c) -> (a & 0xffff) * (b & 0xffff) & U32);
        Snippet.check("mad.wide.s32 %d, %ra, %rb, %dc;", FEW, (a, b, c) -> (long) (int) a * (int) b + c);
        Snippet.check("mad.wide.u32 %d, %ra, %rb, %dc;", FEW, (a, b, c) -> (a & U32) * (b & U32) + c);
        Snippet.check("mad.lo.s32 %r, %ra, %rb, %rc;", FEW, (a, b, c) -> a * b + c & U32);
        Snippet.check("mad.hi.u32 %r, %ra, %rb, %rc;", FEW, (a, b, c) -> ((a & U32) * (b & U32) >>> 32) + c & U32);
        Snippet.check("mad.lo.s64 %d, %da, %db, %dc;", FEW, (a, b, c) -> a * b + c);
        Snippet.check("mul24.lo.u32 %r, %ra, %rb;", VALUES, (a, b, c) -> (a & 0xffffff) * (b & 0xffffff) & U32);
    }

    @Test
    void saturation() {
        Snippet.check(
                "add.sat.s32 %r, %ra, %rb;",
                VALUES, (a, b, c) -> Math.clamp((long) (int) a + (int) b, Integer.MIN_VALUE, Integer.MAX_VALUE) & U32);
        Snippet.check(
                "sub.sat.s32 %r, %ra, %rb;",
                VALUES, (a, b, c) -> Math.clamp((long) (int) a - (int) b, Integer.MIN_VALUE, Integer.MAX_VALUE) & U32);
    }

    @Test
    void carriesRunThroughWords() {
        Snippet.check("""
            {.reg .b32 %al, %ah, %bl, %bh, %x, %y;
            mov.b64 {%al, %ah}, %da;
            mov.b64 {%bl, %bh}, %db;
            add.cc.u32 %x, %al, %bl;
            addc.u32 %y, %ah, %bh;
            mov.b64 %d, {%x, %y};}
            """, VALUES, (a, b, c) -> a + b);
        Snippet.check("""
            {.reg .b32 %al, %ah, %bl, %bh, %x, %y;
            mov.b64 {%al, %ah}, %da;
            mov.b64 {%bl, %bh}, %db;
            sub.cc.u32 %x, %al, %bl;
            subc.u32 %y, %ah, %bh;
            mov.b64 %d, {%x, %y};}
            """, VALUES, (a, b, c) -> a - b);
        // The carry and the borrow out of 64 bits.
        Snippet.check(
                "{.reg .b64 %x; add.cc.s64 %x, %da, %db; addc.s64 %d, 0, 0;}",
                VALUES, (a, b, c) -> Long.compareUnsigned(a + b, a) < 0 ? 1 : 0);
        Snippet.check(
                "{.reg .b64 %x; sub.cc.s64 %x, %da, %db; subc.s64 %d, 0, 0;}",
                VALUES, (a, b, c) -> Long.compareUnsigned(a, b) < 0 ? -1 : 0);
    }

    @Test
    void shiftsClampTheirAmount() {
        Snippet.check("shl.b32 %r, %ra, %rb;", VALUES, (a, b, c) -> (b & U32) > 31 ? 0 : (a & U32) << b & U32);
        Snippet.check("shr.u32 %r, %ra, %rb;", VALUES, (a, b, c) -> (b & U32) > 31 ? 0 : (a & U32) >>> b);
        Snippet.check("shr.s32 %r, %ra, %rb;", VALUES, (a, b, c) -> (int) a >> Math.min(b & U32, 31) & U32);
        Snippet.check("shl.b64 %d, %da, %rb;", VALUES, (a, b, c) -> (b & U32) > 63 ? 0 : a << b);
        Snippet.check("shr.u64 %d, %da, %rb;", VALUES, (a, b, c) -> (b & U32) > 63 ? 0 : a >>> b);
        Snippet.check("shr.s64 %d, %da, %rb;", VALUES, (a, b, c) -> a >> Math.min(b & U32, 63));
        Snippet.check("shl.b16 %h, %ha, %rb;", VALUES, (a, b, c) -> (b & U32) > 15 ? 0 : a << b & 0xffff);
        Snippet.check("shr.u16 %h, %ha, %rb;", VALUES, (a, b, c) -> (b & U32) > 15 ? 0 : (a & 0xffff) >>> b);
        Snippet.check("shr.s16 %h, %ha, %rb;", VALUES, (a, b, c) -> (short) a >> Math.min(b & U32, 15) & 0xffff);
    }

    @Test
    void funnelShifts() {
        for (boolean left : new boolean[] {false, true}) {
            for (boolean wrap : new boolean[] {false, true}) {
                String opcode = "shf." + (left ? "l." : "r.") + (wrap ? "wrap" : "clamp") + ".b32 %r, %ra, %rb, %rc;";
                Snippet.check(opcode, FEW, (a, b, c) -> {
                    int n = (int) (wrap ? c & 31 : Math.min(c & U32, 32));
                    BigInteger both = big(b, 32, false).shiftLeft(32).or(big(a, 32, false));
                    return low(left ? both.shiftLeft(n).shiftRight(32) : both.shiftRight(n), 32);
                });
            }
        }
    }

    @Test
    void bitFields() {
        long[] places = {0, 1, 4, 8, 15, 31, 32, 40, 63, 64, 255, 0x12345678, 0x80000001L, 0xdeadbeefL, -1};
        for (int width : new int[] {32, 64}) {
            for (boolean signed : new boolean[] {false, true}) {
                String file = width == 64 ? "d" : "r";
                String body = "bfe.%s%d %%%s, %%%sa, %%rb, %%rc;".formatted(signed ? "s" : "u", width, file, file);
                Snippet.check(body, places, (a, b, c) -> extract(a, width, (int) b & 255, (int) c & 255, signed));
            }
        }
        for (long position : new long[] {0, 3, 31, 32, 200}) {
            for (long length : new long[] {0, 1, 8, 32, 255}) {
                Snippet.check("bfi.b32 %%r, %%ra, %%rb, %d, %d;".formatted(position, length), FEW, (a, b, c) -> {
                    long result = b & U32;
                    for (int i = 0; i < length && position + i < 32; i++) {
                        long bit = a >>> i & 1;
                        result = result & ~(1L << position + i) | bit << position + i;
                    }
                    return result;
                });
            }
        }
        Snippet.check("bfi.b64 %d, %da, %db, 40, 16;", VALUES, (a, b, c) -> b & ~(0xffffL << 40) | (a & 0xffff) << 40);
        Snippet.check(
                "bmsk.clamp.b32 %r, 4, %ra;",
                VALUES, (a, b, c) -> {
                    long length = Math.min(a & U32, 32);
                    return ((1L << length) - 1 << 4) & U32;
                });
    }

    /** As PTX's pseudocode has it, bit by bit. */
    private static long extract(long a, int width, int position, int length, boolean signed) {
        long value = width == 64 ? a : a & U32;
        int last = Math.min(position + length - 1, width - 1);
        long sign = !signed || length == 0 ? 0 : value >>> last & 1;
        long result = 0;
        for (int i = 0; i < width; i++) {
            long bit = i < length && position + i <= width - 1 ? value >>> position + i & 1 : sign;
            result |= bit << i;
        }
        return result;
    }

    @Test
    void counts() {
        Snippet.check("popc.b32 %r, %ra;", VALUES, (a, b, c) -> Long.bitCount(a & U32));
        Snippet.check("popc.b64 %r, %da;", VALUES, (a, b, c) -> Long.bitCount(a));
        Snippet.check(
                "clz.b32 %r, %ra;", VALUES, (a, b, c) -> 32 - big(a, 32, false).bitLength());
        Snippet.check(
                "clz.b64 %r, %da;", VALUES, (a, b, c) -> 64 - big(a, 64, false).bitLength());
        Snippet.check("brev.b32 %r, %ra;", VALUES, (a, b, c) -> Long.reverse(a) >>> 32);
        Snippet.check("brev.b64 %d, %da;", VALUES, (a, b, c) -> Long.reverse(a));
        Snippet.check(
                "bfind.u32 %r, %ra;", VALUES, (a, b, c) -> big(a, 32, false).bitLength() - 1 & U32);
        Snippet.check(
                "bfind.s32 %r, %ra;", VALUES, (a, b, c) -> big(a, 32, true).bitLength() - 1 & U32);
        Snippet.check(
                "bfind.u64 %r, %da;", VALUES, (a, b, c) -> big(a, 64, false).bitLength() - 1 & U32);
        Snippet.check(
                "bfind.shiftamt.u32 %r, %ra;",
                VALUES,
                (a, b, c) -> (a & U32) == 0 ? U32 : 32 - big(a, 32, false).bitLength());
    }

    @Test
    void logic() {
        Snippet.check("not.b32 %r, %ra;", VALUES, (a, b, c) -> ~a & U32);
        Snippet.check("cnot.b32 %r, %ra;", VALUES, (a, b, c) -> (a & U32) == 0 ? 1 : 0);
        Snippet.check("xor.b64 %d, %da, %db;", VALUES, (a, b, c) -> a ^ b);
        Snippet.check("and.b16 %h, %ha, %hb;", VALUES, (a, b, c) -> a & b & 0xffff);
        Snippet.check("abs.s32 %r, %ra;", VALUES, (a, b, c) -> Math.abs((int) a) & U32);
        Snippet.check("neg.s16 %h, %ha;", VALUES, (a, b, c) -> -a & 0xffff);
        for (int table : new int[] {0x96, 0xea, 0xf8, 0x1b, 0xc0, 0x80}) {
            Snippet.check("lop3.b32 %r, %ra, %rb, %rc, " + table + ";", FEW, (a, b, c) -> {
                long result = 0;
                for (int i = 0; i < 32; i++) {
                    long index = (a >>> i & 1) * 4 + (b >>> i & 1) * 2 + (c >>> i & 1);
                    result |= (table >>> index & 1L) << i;
                }
                return result;
            });
        }
    }

    @Test
    void permutesBytes() {
        long[] selectors = {0x3210, 0x7654, 0x5410, 0x0123, 0x8888, 0xfedc, 0x7531, 0x12345678, 0x80ff7f01L};
        Snippet.check(
                "prmt.b32 %r, %ra, %rb, %rc;",
                selectors, (a, b, c) -> {
                    String bytes = "%08x%08x".formatted(b & U32, a & U32);
                    StringBuilder result = new StringBuilder();
                    for (int k = 3; k >= 0; k--) {
                        int selector = (int) (c >>> 4 * k) & 15;
                        int at = 14 - 2 * (selector & 7);
                        int octet = Integer.parseInt(bytes.substring(at, at + 2), 16);
                        result.append("%02x".formatted(selector < 8 ? octet : octet >= 128 ? 255 : 0));
                    }
                    return Long.parseLong(result.toString(), 16);
                });
    }

    @Test
    void sumsOfDifferencesAndBytes() {
        Snippet.check("sad.s32 %r, %ra, %rb, %rc;", FEW, (a, b, c) -> c + Math.abs((long) (int) a - (int) b) & U32);
        Snippet.check("sad.u32 %r, %ra, %rb, %rc;", FEW, (a, b, c) -> c + Math.abs((a & U32) - (b & U32)) & U32);
        Snippet.check(
                "dp4a.s32.u32 %r, %ra, %rb, %rc;",
                FEW, (a, b, c) -> {
                    long sum = c;
                    for (int k = 0; k < 32; k += 8) {
                        sum += (byte) (a >>> k) * (b >>> k & 255);
                    }
                    return sum & U32;
                });
        Snippet.check(
                "dp2a.hi.s32.s32 %r, %ra, %rb, %rc;",
                FEW, (a, b, c) -> c + (short) a * (byte) (b >>> 16) + (short) (a >>> 16) * (byte) (b >>> 24) & U32);
    }

    @Test
    void comparesAndSelects() {
        Snippet.check("setp.lt.s32 %p, %ra, %rb;", VALUES, (a, b, c) -> (int) a < (int) b ? 1 : 0);
        Snippet.check("setp.lt.u32 %p, %ra, %rb;", VALUES, (a, b, c) -> (a & U32) < (b & U32) ? 1 : 0);
        Snippet.check("setp.hs.u32 %p, %ra, %rb;", VALUES, (a, b, c) -> (a & U32) >= (b & U32) ? 1 : 0);
        Snippet.check("setp.ge.s64 %p, %da, %db;", VALUES, (a, b, c) -> a >= b ? 1 : 0);
        Snippet.check("setp.gt.u64 %p, %da, %db;", VALUES, (a, b, c) -> Long.compareUnsigned(a, b) > 0 ? 1 : 0);
        Snippet.check("setp.le.s16 %p, %ha, %hb;", VALUES, (a, b, c) -> (short) a <= (short) b ? 1 : 0);
        Snippet.check("setp.ne.u16 %p, %ha, %hb;", VALUES, (a, b, c) -> (a & 0xffff) != (b & 0xffff) ? 1 : 0);
        Snippet.check(
                "setp.eq.s32 %q0, %ra, %rc; setp.lt.and.s32 %p|%q1, %ra, %rb, !%q0;",
                FEW, (a, b, c) -> (int) a < (int) b && (int) a != (int) c ? 1 : 0);
        Snippet.check(
                "setp.eq.s32 %q0, %ra, %rc; setp.lt.or.s32 %q1|%p, %ra, %rb, %q0;",
                FEW, (a, b, c) -> (int) a >= (int) b || (int) a == (int) c ? 1 : 0);
        Snippet.check(
                "setp.lt.s32 %q0, %ra, %rb; selp.b32 %r, %ra, %rb, %q0;",
                VALUES, (a, b, c) -> Math.min((int) a, (int) b) & U32);
        Snippet.check("setp.lt.s32 %q0, %ra, 5; xor.pred %p, %q0, %q0;", VALUES, (a, b, c) -> 0);
        Snippet.check("setp.lt.s32 %q0, %ra, 5; not.pred %p, %q0;", VALUES, (a, b, c) -> (int) a < 5 ? 0 : 1);
        Snippet.check("slct.u32.s32 %r, %ra, %rb, %rc;", FEW, (a, b, c) -> ((int) c >= 0 ? a : b) & U32);
        Snippet.check("set.lt.u32.s32 %r, %ra, %rb;", VALUES, (a, b, c) -> (int) a < (int) b ? U32 : 0);
        Snippet.check(
                "mov.b32 %r, 7; setp.gt.u32 %q0, %ra, 9; @!%q0 mov.b32 %r, %ra;",
                VALUES, (a, b, c) -> (a & U32) > 9 ? 7 : a & U32);
    }

    @Test
    void convertsBetweenWidths() {
        Snippet.check("cvt.s64.s32 %d, %ra;", VALUES, (a, b, c) -> (int) a);
        Snippet.check("cvt.u64.u32 %d, %ra;", VALUES, (a, b, c) -> a & U32);
        Snippet.check("cvt.s32.s8 %r, %ra;", VALUES, (a, b, c) -> (byte) a & U32);
        Snippet.check("cvt.u32.u8 %r, %ha;", VALUES, (a, b, c) -> a & 255);
        Snippet.check("cvt.s16.s8 %h, %ra;", VALUES, (a, b, c) -> (byte) a & 0xffff);
        Snippet.check("cvt.sat.s8.s32 %r, %ra;", VALUES, (a, b, c) -> Math.clamp((int) a, -128, 127) & U32);
        Snippet.check("cvt.sat.u8.s32 %r, %ra;", VALUES, (a, b, c) -> Math.clamp((int) a, 0, 255));
        Snippet.check(
                "cvt.sat.s32.u64 %r, %da;",
                VALUES, (a, b, c) -> a < 0 || a > Integer.MAX_VALUE ? Integer.MAX_VALUE : a);
        Snippet.check("cvt.sat.u32.s64 %r, %da;", VALUES, (a, b, c) -> Math.clamp(a, 0L, U32));
    }
}
