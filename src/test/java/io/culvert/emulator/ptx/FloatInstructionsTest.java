package io.culvert.emulator.ptx;

import static java.lang.Double.doubleToRawLongBits;
import static java.lang.Double.longBitsToDouble;
import static java.lang.Float.floatToRawIntBits;
import static java.lang.Float.intBitsToFloat;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Floating-point instructions against BigDecimal, rounded by search among the neighbours. */
class FloatInstructionsTest {
    private static final long U32 = 0xffffffffL;
    private static final float[] SINGLES = {
        0f,
        -0f,
        1f,
        -1f,
        1.5f,
        3f,
        0.1f,
        -7.25f,
        1e-40f,
        -1e-45f,
        1.1754944e-38f,
        3.4028235e38f,
        -3.4028235e38f,
        1e30f,
        16777215f,
        1.00000012f,
        2e-20f,
        0.49999997f,
        2147483648f,
        255.5f
    };
    private static final float[] SPECIALS = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY};

    private static long[] singles(boolean specials) {
        SplittableRandom random = new SplittableRandom(1);
        int extra = 12;
        long[] bits = new long[SINGLES.length + extra + (specials ? SPECIALS.length : 0)];
        for (int i = 0; i < bits.length; i++) {
            int k = i - SINGLES.length - extra;
            float value = i < SINGLES.length ? SINGLES[i] : k < 0 ? ordinary(random.nextInt()) : SPECIALS[k];
            bits[i] = floatToRawIntBits(value) & U32;
        }
        return bits;
    }

    /** Every other value, for instructions of three operands. */
    private static long[] some(long[] values) {
        return IntStream.range(0, values.length / 2)
                .mapToLong(i -> values[2 * i + 1])
                .toArray();
    }

    /** Exponents near 0, so that sums of two have both operands' bits. */
    private static float ordinary(int bits) {
        return intBitsToFloat(bits & 0x81ffffff | 0x3e000000);
    }

    private static float f(long bits) {
        return intBitsToFloat((int) bits);
    }

    private static long bits(float value) {
        return Double.isNaN(value) ? 0x7fffffff : floatToRawIntBits(value) & U32;
    }

    private static BigDecimal exact(float value) {
        return new BigDecimal(value);
    }

    /** The float that a mode rounds an exact non-zero value to, found among three neighbours. */
    private static long round(BigDecimal value, String mode) {
        float near = value.floatValue();
        float best = Float.NaN;
        for (float candidate : new float[] {Math.nextDown(near), near, Math.nextUp(near)}) {
            boolean infinite = Float.isInfinite(candidate);
            int order = infinite ? (candidate > 0 ? 1 : -1) : exact(candidate).compareTo(value);
            boolean fits = switch (mode) {
                case "rm" -> order <= 0;
                case "rp" -> order >= 0;
                case "rz" -> value.signum() > 0 ? order <= 0 && candidate >= 0 : order >= 0 && candidate <= 0;
                default -> candidate == near;
            };
            boolean upward = mode.equals("rp") || mode.equals("rz") && value.signum() < 0;
            if (fits && (Double.isNaN(best) || (upward ? candidate < best : candidate > best))) {
                best = candidate;
            }
        }
        // Zero has the sign of the value that rounded to it.
        return bits(best == 0 ? Math.copySign(0f, value.signum()) : best);
    }

    @Test
    void everyRoundingOfSumsAndProducts() {
        for (String mode : new String[] {"rn", "rz", "rm", "rp"}) {
            long[] values = singles(false);
            check(
                    "add.%s.f32 %%r, %%ra, %%rb;",
                    mode, values, (a, b, c) -> exact(f(a)).add(exact(f(b))));
            check(
                    "sub.%s.f32 %%r, %%ra, %%rb;",
                    mode, values, (a, b, c) -> exact(f(a)).subtract(exact(f(b))));
            check(
                    "mul.%s.f32 %%r, %%ra, %%rb;",
                    mode, values, (a, b, c) -> exact(f(a)).multiply(exact(f(b))));
            check(
                    "fma.%s.f32 %%r, %%ra, %%rb, %%rc;",
                    mode,
                    some(values),
                    (a, b, c) -> exact(f(a)).multiply(exact(f(b))).add(exact(f(c))));
        }
    }

    private interface Exact {
        BigDecimal of(long a, long b, long c);
    }

    private static void check(String format, String mode, long[] values, Exact exact) {
        String body = format.formatted(mode);
        Snippet.check(body, values, (a, b, c) -> {
            BigDecimal value = exact.of(a, b, c);
            return value.signum() != 0 ? round(value, mode) : zero(body, f(a), f(b), f(c));
        });
    }

    /** IEEE 754, 6.3: a sum of opposite signs is +0, or -0 when rounding down; products multiply their signs. */
    private static long zero(String body, float a, float b, float c) {
        boolean down = body.contains(".rm");
        float product = Math.copySign(1, a) * Math.copySign(1, b);
        if (body.startsWith("mul")) {
            return bits(Math.copySign(0f, product));
        }
        float left = body.startsWith("fma") ? product : Math.copySign(1, a);
        float right = body.startsWith("fma")
                ? Math.copySign(1, c)
                : body.startsWith("sub") ? -Math.copySign(1, b) : Math.copySign(1, b);
        return bits(left == right ? Math.copySign(0f, left) : down ? -0f : 0f);
    }

    @Test
    void quotientsAndRoots() {
        long[] values = singles(false);
        for (String mode : new String[] {"rn", "rz", "rm", "rp"}) {
            MathContext precise = new MathContext(200, RoundingMode.HALF_EVEN);
            Snippet.check("div.%s.f32 %%r, %%ra, %%rb;".formatted(mode), values, (a, b, c) -> {
                if (f(b) == 0 || f(a) == 0) {
                    return bits(f(a) / f(b));
                }
                return round(exact(f(a)).divide(exact(f(b)), precise), mode);
            });
            Snippet.check("sqrt.%s.f32 %%r, %%ra;".formatted(mode), values, (a, b, c) -> {
                if (!(f(a) > 0)) {
                    return bits((float) Math.sqrt(f(a)));
                }
                return round(exact(f(a)).sqrt(precise), mode);
            });
        }
        Snippet.check("rcp.rn.f32 %r, %ra;", singles(true), (a, b, c) -> bits(1 / f(a)));
    }

    @Test
    void specialValuesAndOneNan() {
        long[] values = singles(true);
        Snippet.check("add.f32 %r, %ra, %rb;", values, (a, b, c) -> bits(f(a) + f(b)));
        Snippet.check("mul.f32 %r, %ra, %rb;", values, (a, b, c) -> bits(f(a) * f(b)));
        Snippet.check("div.rn.f32 %r, %ra, %rb;", values, (a, b, c) -> bits(f(a) / f(b)));
        Snippet.check(
                "min.f32 %r, %ra, %rb;",
                values, (a, b, c) -> bits(Float.isNaN(f(a)) ? f(b) : Float.isNaN(f(b)) ? f(a) : Math.min(f(a), f(b))));
        Snippet.check("max.NaN.f32 %r, %ra, %rb;", values, (a, b, c) -> bits(Math.max(f(a), f(b))));
        Snippet.check(
                "add.sat.f32 %r, %ra, %rb;",
                values, (a, b, c) -> {
                    float sum = f(a) + f(b);
                    return bits(Double.isNaN(sum) || sum <= 0 ? 0f : Math.min(sum, 1));
                });
        Snippet.check("neg.f32 %r, %ra;", values, (a, b, c) -> a ^ 0x80000000L);
        Snippet.check("copysign.f32 %r, %ra, %rb;", values, (a, b, c) -> b & 0x7fffffffL | a & 0x80000000L);
        Snippet.check(
                "testp.subnormal.f32 %p, %ra;",
                values, (a, b, c) -> f(a) != 0 && Math.abs(f(a)) < Float.MIN_NORMAL ? 1 : 0);
        Snippet.check("testp.finite.f32 %p, %ra;", values, (a, b, c) -> Float.isFinite(f(a)) ? 1 : 0);
    }

    private static float flush(float value) {
        return Math.abs(value) < Float.MIN_NORMAL ? Math.copySign(0f, value) : value;
    }

    @Test
    void flushesSubnormals() {
        long[] values = singles(true);
        Snippet.check("add.ftz.f32 %r, %ra, %rb;", values, (a, b, c) -> bits(flush(flush(f(a)) + flush(f(b)))));
        Snippet.check("mul.rn.ftz.f32 %r, %ra, %rb;", values, (a, b, c) -> bits(flush(flush(f(a)) * flush(f(b)))));
        Snippet.check("setp.eq.ftz.f32 %p, %ra, %rb;", values, (a, b, c) -> flush(f(a)) == flush(f(b)) ? 1 : 0);
        Snippet.check(
                "fma.rn.ftz.f32 %r, %ra, %rb, %rc;",
                some(values), (a, b, c) -> bits(flush(Math.fma(flush(f(a)), flush(f(b)), flush(f(c))))));
    }

    @Test
    void comparesWithNan() {
        long[] values = singles(true);
        Snippet.check("setp.lt.f32 %p, %ra, %rb;", values, (a, b, c) -> f(a) < f(b) ? 1 : 0);
        Snippet.check(
                "setp.ne.f32 %p, %ra, %rb;", values, (a, b, c) -> f(a) != f(b) && !Float.isNaN(f(a)) && !Float.isNaN(f(b)) ? 1 : 0);
        Snippet.check("setp.neu.f32 %p, %ra, %rb;", values, (a, b, c) -> f(a) != f(b) ? 1 : 0);
        Snippet.check("setp.geu.f32 %p, %ra, %rb;", values, (a, b, c) -> f(a) < f(b) ? 0 : 1);
        Snippet.check("setp.num.f32 %p, %ra, %rb;", values, (a, b, c) -> !Float.isNaN(f(a)) && !Float.isNaN(f(b)) ? 1 : 0);
        Snippet.check("setp.nan.f32 %p, %ra, %rb;", values, (a, b, c) -> !Float.isNaN(f(a)) && !Float.isNaN(f(b)) ? 0 : 1);
        Snippet.check("set.gt.f32.f32 %r, %ra, %rb;", values, (a, b, c) -> bits(f(a) > f(b) ? 1f : 0f));
    }

    @Test
    void approximateFunctions() {
        long[] values = singles(true);
        Snippet.check("ex2.approx.f32 %r, %ra;", values, (a, b, c) -> bits((float) Math.pow(2, f(a))));
        Snippet.check("rsqrt.approx.f32 %r, %ra;", values, (a, b, c) -> bits((float) (1 / Math.sqrt(f(a)))));
        Snippet.check("sin.approx.f32 %r, %ra;", values, (a, b, c) -> bits((float) Math.sin(f(a))));
        Snippet.check("tanh.approx.f32 %r, %ra;", values, (a, b, c) -> bits((float) Math.tanh(f(a))));
        long[] powers = {bits(8f), bits(0.25f), bits(1f), bits(0x1p-130f)};
        Snippet.check("lg2.approx.f32 %r, %ra;", powers, (a, b, c) -> bits(Math.round(Math.log(f(a)) / Math.log(2))));
    }

    @Test
    void doubles() {
        double[] reals = {0, -0.0, 1, -1.5, 0.1, 1e300, -1e-310, Math.PI, 1e16, Double.POSITIVE_INFINITY, Double.NaN};
        long[] values = new long[reals.length];
        for (int i = 0; i < reals.length; i++) {
            values[i] = doubleToRawLongBits(reals[i]);
        }
        Snippet.check(
                "fma.rn.f64 %d, %da, %db, %dc;",
                values,
                (a, b, c) ->
                        doubleToRawLongBits(Math.fma(longBitsToDouble(a), longBitsToDouble(b), longBitsToDouble(c))));
        Snippet.check(
                "setp.gtu.f64 %p, %da, %db;", values, (a, b, c) -> longBitsToDouble(a) <= longBitsToDouble(b) ? 0 : 1);
        Snippet.check("neg.f64 %d, %da;", values, (a, b, c) -> a ^ Long.MIN_VALUE);
        long[] finite = Arrays.copyOf(values, 9);
        Snippet.check(
                "add.rz.f64 %d, %da, %db;",
                finite, (a, b, c) -> {
                    double sum = longBitsToDouble(a) + longBitsToDouble(b);
                    BigDecimal exact = new BigDecimal(longBitsToDouble(a)).add(new BigDecimal(longBitsToDouble(b)));
                    boolean away = exact.abs().compareTo(new BigDecimal(sum).abs()) < 0;
                    return doubleToRawLongBits(away ? sum > 0 ? Math.nextDown(sum) : Math.nextUp(sum) : sum);
                });
        Snippet.check(
                "rcp.approx.ftz.f64 %d, %da;",
                new long[] {doubleToRawLongBits(3)}, (a, b, c) -> doubleToRawLongBits(1 / 3.0) & -1L << 32);
    }

    @Test
    void convertsToIntegers() {
        float[] reals = {0.5f, 1.5f, -0.5f, -1.5f, 2.7f, -2.7f, 3e9f, -3e9f, 1e20f, -1e20f, Float.NaN, 255.7f, -0f};
        long[] values = new long[reals.length];
        for (int i = 0; i < reals.length; i++) {
            values[i] = floatToRawIntBits(reals[i]) & U32;
        }
        Snippet.check("cvt.rzi.s32.f32 %r, %ra;", values, (a, b, c) -> (int) f(a) & U32);
        Snippet.check("cvt.rni.s32.f32 %r, %ra;", values, (a, b, c) -> (int) Math.rint(f(a)) & U32);
        Snippet.check("cvt.rmi.s32.f32 %r, %ra;", values, (a, b, c) -> (int) Math.floor(f(a)) & U32);
        Snippet.check("cvt.rpi.s32.f32 %r, %ra;", values, (a, b, c) -> (int) Math.ceil(f(a)) & U32);
        Snippet.check("cvt.rzi.u32.f32 %r, %ra;", values, (a, b, c) -> Math.clamp((long) f(a), 0L, U32));
        Snippet.check("cvt.rzi.u8.f32 %r, %ra;", values, (a, b, c) -> Math.clamp((long) f(a), 0L, 255L));
        Snippet.check("cvt.rzi.s64.f32 %d, %ra;", values, (a, b, c) -> Float.isNaN(f(a)) ? Long.MIN_VALUE : (long) f(a));
        Snippet.check(
                "cvt.rzi.u64.f32 %d, %ra;",
                values,
                (a, b, c) -> Float.isNaN(f(a))
                        ? Long.MIN_VALUE
                        : f(a) <= 0 ? 0 : f(a) >= 0x1p64f ? -1L : new BigDecimal(f(a)).longValue());
        Snippet.check("cvt.rmi.f32.f32 %r, %ra;", values, (a, b, c) -> bits((float) Math.floor(f(a))));
        Snippet.check("cvt.sat.f32.f32 %r, %ra;", values, (a, b, c) -> bits(f(a) > 0 ? Math.min(1, f(a)) : 0));
    }

    @Test
    void convertsFromIntegers() {
        long[] values = {
            0, 1, -1, 16777217, 0x7fffffffL, 0x80000000L, 0xffffffffL, Long.MAX_VALUE, Long.MIN_VALUE, (1L << 53) + 1
        };
        for (String mode : new String[] {"rn", "rz", "rm", "rp"}) {
            Snippet.check(
                    "cvt.%s.f32.s64 %%r, %%da;".formatted(mode),
                    values,
                    (a, b, c) -> a == 0 ? 0 : round(new BigDecimal(a), mode));
            Snippet.check(
                    "cvt.%s.f32.u64 %%r, %%da;".formatted(mode),
                    values,
                    (a, b, c) -> a == 0 ? 0 : round(new BigDecimal(Long.toUnsignedString(a)), mode));
            Snippet.check(
                    "cvt.%s.f32.s32 %%r, %%ra;".formatted(mode),
                    values,
                    (a, b, c) -> (int) a == 0 ? 0 : round(new BigDecimal((int) a), mode));
        }
        Snippet.check(
                "cvt.rn.f64.u64 %d, %da;",
                values, (a, b, c) -> doubleToRawLongBits(new BigDecimal(Long.toUnsignedString(a)).doubleValue()));
    }

    @Test
    void narrowsDoubles() {
        double[] reals = {0.1, -0.1, 1e-46, -1e-46, 1e39, -1e39, 1 + 0x1p-24, 1 + 0x1p-23 + 0x1p-24, 3.5};
        long[] values = new long[reals.length];
        for (int i = 0; i < reals.length; i++) {
            values[i] = doubleToRawLongBits(reals[i]);
        }
        for (String mode : new String[] {"rn", "rz", "rm", "rp"}) {
            Snippet.check(
                    "cvt.%s.f32.f64 %%r, %%da;".formatted(mode),
                    values,
                    (a, b, c) -> round(new BigDecimal(longBitsToDouble(a)), mode));
        }
    }

    @Test
    void halvesFromSingles() {
        SplittableRandom random = new SplittableRandom(2);
        long[] values =
                random.longs(2000).map(v -> v & 0x9fffffffL | 0x20000000L).toArray();
        Snippet.check(
                "cvt.rn.f16.f32 %h, %ra;",
                values, (a, b, c) -> Float.isNaN(f(a)) ? 0x7fff : Float.floatToFloat16(f(a)) & 0xffff);
        Snippet.check(
                "cvt.rn.bf16.f32 %h, %ra;",
                values,
                (a, b, c) ->
                        // Adding half a unit of the last place, less one where that is even, and cutting off.
                        Float.isNaN(f(a)) ? 0x7fff : (a & U32) + 0x7fff + (a >>> 16 & 1) >>> 16);
        Snippet.check(
                "cvt.rn.bf16x2.f32 %r, %ra, %rb;",
                Arrays.copyOf(values, 30),
                (a, b, c) -> ((a & U32) + 0x7fff + (a >>> 16 & 1) >>> 16) << 16
                        | (b & U32) + 0x7fff + (b >>> 16 & 1) >>> 16);
        Snippet.check(
                "cvt.rz.f16.f32 %h, %ra;",
                values, (a, b, c) -> {
                    float near = Float.float16ToFloat(Float.floatToFloat16(f(a)));
                    int bits = Float.floatToFloat16(f(a)) & 0xffff;
                    return Float.isNaN(f(a)) ? 0x7fff : Math.abs(near) > Math.abs(f(a)) ? bits - 1 : bits;
                });
        Snippet.check("cvt.rna.tf32.f32 %r, %ra;", values, (a, b, c) -> (a & U32) + 0x1000 & 0xffffe000L);
    }

    @Test
    void everyHalfWidens() {
        long[] all = new long[65536];
        for (int i = 0; i < all.length; i++) {
            all[i] = i;
        }
        Snippet.check("cvt.f32.f16 %r, %ha;", all, (a, b, c) -> bits(Float.float16ToFloat((short) a)));
        Snippet.check("cvt.f32.bf16 %r, %ha;", all, (a, b, c) -> bits(intBitsToFloat((int) a << 16)));
    }

    @Test
    void halfArithmeticRoundsOnce() {
        SplittableRandom random = new SplittableRandom(3);
        long[] values = new long[24];
        for (int i = 0; i < values.length; i++) {
            values[i] = i < 6
                    ? new long[] {0, 0x8000, 1, 0x7bff, 0x3c00, 0x83ff}[i]
                    : random.nextInt(0x7c00) | (i & 1) << 15;
        }
        Snippet.check(
                "fma.rn.f16 %h, %ha, %hb, %hc;",
                values, (a, b, c) -> {
                    BigDecimal exact = half(a).multiply(half(b)).add(half(c));
                    long zero = zero(
                            "fma",
                            Float.float16ToFloat((short) a),
                            Float.float16ToFloat((short) b),
                            Float.float16ToFloat((short) c));
                    return exact.signum() == 0 ? zero >>> 16 : nearestHalf(exact);
                });
        Snippet.check(
                "sub.f16 %h, %ha, %hb;",
                values, (a, b, c) -> {
                    BigDecimal exact = half(a).subtract(half(b));
                    long zero = zero("sub", Float.float16ToFloat((short) a), Float.float16ToFloat((short) b), 0);
                    return exact.signum() == 0 ? zero >>> 16 : nearestHalf(exact);
                });
    }

    private static BigDecimal half(long bits) {
        return new BigDecimal(Float.float16ToFloat((short) bits));
    }

    /** By search over the patterns next to the one that rounding twice gives. */
    private static long nearestHalf(BigDecimal exact) {
        int near = Float.floatToFloat16(exact.floatValue()) & 0x7fff;
        int best = near;
        for (int candidate = Math.max(0, near - 1); candidate <= Math.min(near + 1, 0x7bff); candidate++) {
            BigDecimal off = half(candidate).subtract(exact.abs()).abs();
            BigDecimal least =
                    best > 0x7bff ? null : half(best).subtract(exact.abs()).abs();
            int order = least == null ? 1 : off.compareTo(least);
            boolean overflows = exact.abs().compareTo(new BigDecimal(65520)) >= 0;
            if (!overflows && (order < 0 || order == 0 && (candidate & 1) == 0)) {
                best = candidate;
            }
        }
        return best | (exact.signum() < 0 ? 0x8000 : 0);
    }
}
