package io.culvert.device.cpu;

/**
 * What loops over vectors make {@code 2^x} of: x plus {@link #ROUND} has the integer n in its lowest bits, {@code 2^f} of the rest is
 * a polynomial, and n shifted by {@link #EXPONENT_SHIFT} is added to its bits, to its exponent that is. The loops are written out where
 * they are needed, see {@link SimdMath}.
 */
public final class PowerOfTwo {
    /** The least x: with the polynomial half as large there are no smaller normal numbers. */
    public static final float LEAST = -125;

    /** Adding it rounds a float to an integer, which then stands in its lowest bits. */
    public static final float ROUND = 0x1.8p23f;

    public static final int EXPONENT_SHIFT = 23;

    /** {@link #LEAST} so rounded, in bits; those of anything less are less. */
    public static final int LEAST_ROUNDED = Float.floatToRawIntBits(LEAST + ROUND);

    // 2^f for |f| up to a half, the factor of each power of f: fitted to 9.2e-8 of its value.
    public static final float P5 = 0.0013264742f;
    public static final float P4 = 0.009671518f;
    public static final float P3 = 0.055507338f;
    public static final float P2 = 0.24022242f;
    public static final float P1 = 0.693147f;

    private PowerOfTwo() {}
}
