package io.culvert.ops.conv2d;

import static io.culvert.device.cpu.Simd.F;
import static io.culvert.device.cpu.Simd.LANES;
import static io.culvert.device.cpu.Simd.NATIVE;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * The transformations of F(2x2, 3x3) (Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks", section 4.1), of one
 * tile or filter and all its channels, which must be whole vectors. Places and distances are bytes; the 16 values of a channel lie
 * {@code matrix} apart, row by row. As in {@link io.culvert.device.cpu.SimdMath}, loops call the Vector API and nothing else; a loop of
 * many more vectors costs the compiler tens of megabytes.
 */
final class WinogradTile {
    private WinogradTile() {}

    /** {@code B^T d B} of the 4 x 4 pixels from {@code at} on, {@code row} and {@code column} apart. */
    static void input(MemorySegment x, long at, long row, long column, MemorySegment v, long to, long matrix, int channels) {
        upperInput(x, at, row, column, v, to, matrix, channels);
        lowerInput(x, at + row, row, column, v, to + 8 * matrix, matrix, channels);
    }

    /** The first two rows, from the first three of the pixels. */
    private static void upperInput(
            MemorySegment x, long at, long row, long column, MemorySegment v, long to, long matrix, int channels) {
        for (int c = 0; c < channels; c += LANES) {
            long p = at + (long) c * Float.BYTES;
            long q = to + (long) c * Float.BYTES;
            FloatVector d00 = FloatVector.fromMemorySegment(F, x, p, NATIVE);
            FloatVector d01 = FloatVector.fromMemorySegment(F, x, p + column, NATIVE);
            FloatVector d02 = FloatVector.fromMemorySegment(F, x, p + 2 * column, NATIVE);
            FloatVector d03 = FloatVector.fromMemorySegment(F, x, p + 3 * column, NATIVE);
            FloatVector d10 = FloatVector.fromMemorySegment(F, x, p + row, NATIVE);
            FloatVector d11 = FloatVector.fromMemorySegment(F, x, p + row + column, NATIVE);
            FloatVector d12 = FloatVector.fromMemorySegment(F, x, p + row + 2 * column, NATIVE);
            FloatVector d13 = FloatVector.fromMemorySegment(F, x, p + row + 3 * column, NATIVE);
            FloatVector d20 = FloatVector.fromMemorySegment(F, x, p + 2 * row, NATIVE);
            FloatVector d21 = FloatVector.fromMemorySegment(F, x, p + 2 * row + column, NATIVE);
            FloatVector d22 = FloatVector.fromMemorySegment(F, x, p + 2 * row + 2 * column, NATIVE);
            FloatVector d23 = FloatVector.fromMemorySegment(F, x, p + 2 * row + 3 * column, NATIVE);
            FloatVector r00 = d00.sub(d20);
            FloatVector r01 = d01.sub(d21);
            FloatVector r02 = d02.sub(d22);
            FloatVector r03 = d03.sub(d23);
            FloatVector r10 = d10.add(d20);
            FloatVector r11 = d11.add(d21);
            FloatVector r12 = d12.add(d22);
            FloatVector r13 = d13.add(d23);
            r00.sub(r02).intoMemorySegment(v, q, NATIVE);
            r01.add(r02).intoMemorySegment(v, q + matrix, NATIVE);
            r02.sub(r01).intoMemorySegment(v, q + 2 * matrix, NATIVE);
            r01.sub(r03).intoMemorySegment(v, q + 3 * matrix, NATIVE);
            r10.sub(r12).intoMemorySegment(v, q + 4 * matrix, NATIVE);
            r11.add(r12).intoMemorySegment(v, q + 5 * matrix, NATIVE);
            r12.sub(r11).intoMemorySegment(v, q + 6 * matrix, NATIVE);
            r11.sub(r13).intoMemorySegment(v, q + 7 * matrix, NATIVE);
        }
    }

    /** The last two rows, from the last three of the pixels. */
    private static void lowerInput(
            MemorySegment x, long at, long row, long column, MemorySegment v, long to, long matrix, int channels) {
        for (int c = 0; c < channels; c += LANES) {
            long p = at + (long) c * Float.BYTES;
            long q = to + (long) c * Float.BYTES;
            FloatVector d00 = FloatVector.fromMemorySegment(F, x, p, NATIVE);
            FloatVector d01 = FloatVector.fromMemorySegment(F, x, p + column, NATIVE);
            FloatVector d02 = FloatVector.fromMemorySegment(F, x, p + 2 * column, NATIVE);
            FloatVector d03 = FloatVector.fromMemorySegment(F, x, p + 3 * column, NATIVE);
            FloatVector d10 = FloatVector.fromMemorySegment(F, x, p + row, NATIVE);
            FloatVector d11 = FloatVector.fromMemorySegment(F, x, p + row + column, NATIVE);
            FloatVector d12 = FloatVector.fromMemorySegment(F, x, p + row + 2 * column, NATIVE);
            FloatVector d13 = FloatVector.fromMemorySegment(F, x, p + row + 3 * column, NATIVE);
            FloatVector d20 = FloatVector.fromMemorySegment(F, x, p + 2 * row, NATIVE);
            FloatVector d21 = FloatVector.fromMemorySegment(F, x, p + 2 * row + column, NATIVE);
            FloatVector d22 = FloatVector.fromMemorySegment(F, x, p + 2 * row + 2 * column, NATIVE);
            FloatVector d23 = FloatVector.fromMemorySegment(F, x, p + 2 * row + 3 * column, NATIVE);
            FloatVector r00 = d10.sub(d00);
            FloatVector r01 = d11.sub(d01);
            FloatVector r02 = d12.sub(d02);
            FloatVector r03 = d13.sub(d03);
            FloatVector r10 = d00.sub(d20);
            FloatVector r11 = d01.sub(d21);
            FloatVector r12 = d02.sub(d22);
            FloatVector r13 = d03.sub(d23);
            r00.sub(r02).intoMemorySegment(v, q, NATIVE);
            r01.add(r02).intoMemorySegment(v, q + matrix, NATIVE);
            r02.sub(r01).intoMemorySegment(v, q + 2 * matrix, NATIVE);
            r01.sub(r03).intoMemorySegment(v, q + 3 * matrix, NATIVE);
            r10.sub(r12).intoMemorySegment(v, q + 4 * matrix, NATIVE);
            r11.add(r12).intoMemorySegment(v, q + 5 * matrix, NATIVE);
            r12.sub(r11).intoMemorySegment(v, q + 6 * matrix, NATIVE);
            r11.sub(r13).intoMemorySegment(v, q + 7 * matrix, NATIVE);
        }
    }

    /** {@code A e A^T} of the 2 x 2 pixels from {@code at} on, {@code row} and {@code column} apart: of the output's gradient. */
    static void outputGradient(
            MemorySegment e, long at, long row, long column, MemorySegment v, long to, long matrix, int channels) {
        outerRow(e, at, column, 1, v, to, matrix, channels);
        middleRows(e, at, row, column, v, to + 4 * matrix, matrix, channels);
        outerRow(e, at + row, column, -1, v, to + 12 * matrix, matrix, channels);
    }

    /** The first row, or the last. */
    private static void outerRow(
            MemorySegment e, long at, long column, float sign, MemorySegment v, long to, long matrix, int channels) {
        for (int c = 0; c < channels; c += LANES) {
            long p = at + (long) c * Float.BYTES;
            long q = to + (long) c * Float.BYTES;
            FloatVector e0 = FloatVector.fromMemorySegment(F, e, p, NATIVE).mul(sign);
            FloatVector e1 = FloatVector.fromMemorySegment(F, e, p + column, NATIVE).mul(sign);
            e0.intoMemorySegment(v, q, NATIVE);
            e0.add(e1).intoMemorySegment(v, q + matrix, NATIVE);
            e0.sub(e1).intoMemorySegment(v, q + 2 * matrix, NATIVE);
            e1.neg().intoMemorySegment(v, q + 3 * matrix, NATIVE);
        }
    }

    private static void middleRows(
            MemorySegment e, long at, long row, long column, MemorySegment v, long to, long matrix, int channels) {
        for (int c = 0; c < channels; c += LANES) {
            long p = at + (long) c * Float.BYTES;
            long q = to + (long) c * Float.BYTES;
            FloatVector e00 = FloatVector.fromMemorySegment(F, e, p, NATIVE);
            FloatVector e01 = FloatVector.fromMemorySegment(F, e, p + column, NATIVE);
            FloatVector e10 = FloatVector.fromMemorySegment(F, e, p + row, NATIVE);
            FloatVector e11 = FloatVector.fromMemorySegment(F, e, p + row + column, NATIVE);
            FloatVector s0 = e00.add(e10);
            FloatVector s1 = e01.add(e11);
            FloatVector d0 = e00.sub(e10);
            FloatVector d1 = e01.sub(e11);
            s0.intoMemorySegment(v, q, NATIVE);
            s0.add(s1).intoMemorySegment(v, q + matrix, NATIVE);
            s0.sub(s1).intoMemorySegment(v, q + 2 * matrix, NATIVE);
            s1.neg().intoMemorySegment(v, q + 3 * matrix, NATIVE);
            d0.intoMemorySegment(v, q + 4 * matrix, NATIVE);
            d0.add(d1).intoMemorySegment(v, q + 5 * matrix, NATIVE);
            d0.sub(d1).intoMemorySegment(v, q + 6 * matrix, NATIVE);
            d1.neg().intoMemorySegment(v, q + 7 * matrix, NATIVE);
        }
    }

    /** {@code A^T m A}: 2 x 2 pixels from {@code at} on, {@code row} and {@code column} apart. */
    static void output(MemorySegment m, long from, long matrix, MemorySegment y, long at, long row, long column, int channels) {
        for (int c = 0; c < channels; c += LANES) {
            long p = from + (long) c * Float.BYTES;
            long q = at + (long) c * Float.BYTES;
            FloatVector m00 = FloatVector.fromMemorySegment(F, m, p, NATIVE);
            FloatVector m01 = FloatVector.fromMemorySegment(F, m, p + matrix, NATIVE);
            FloatVector m02 = FloatVector.fromMemorySegment(F, m, p + 2 * matrix, NATIVE);
            FloatVector m03 = FloatVector.fromMemorySegment(F, m, p + 3 * matrix, NATIVE);
            FloatVector m10 = FloatVector.fromMemorySegment(F, m, p + 4 * matrix, NATIVE);
            FloatVector m11 = FloatVector.fromMemorySegment(F, m, p + 5 * matrix, NATIVE);
            FloatVector m12 = FloatVector.fromMemorySegment(F, m, p + 6 * matrix, NATIVE);
            FloatVector m13 = FloatVector.fromMemorySegment(F, m, p + 7 * matrix, NATIVE);
            FloatVector m20 = FloatVector.fromMemorySegment(F, m, p + 8 * matrix, NATIVE);
            FloatVector m21 = FloatVector.fromMemorySegment(F, m, p + 9 * matrix, NATIVE);
            FloatVector m22 = FloatVector.fromMemorySegment(F, m, p + 10 * matrix, NATIVE);
            FloatVector m23 = FloatVector.fromMemorySegment(F, m, p + 11 * matrix, NATIVE);
            FloatVector m30 = FloatVector.fromMemorySegment(F, m, p + 12 * matrix, NATIVE);
            FloatVector m31 = FloatVector.fromMemorySegment(F, m, p + 13 * matrix, NATIVE);
            FloatVector m32 = FloatVector.fromMemorySegment(F, m, p + 14 * matrix, NATIVE);
            FloatVector m33 = FloatVector.fromMemorySegment(F, m, p + 15 * matrix, NATIVE);
            FloatVector s00 = m00.add(m10).add(m20);
            FloatVector s01 = m01.add(m11).add(m21);
            FloatVector s02 = m02.add(m12).add(m22);
            FloatVector s03 = m03.add(m13).add(m23);
            FloatVector s10 = m10.sub(m20).sub(m30);
            FloatVector s11 = m11.sub(m21).sub(m31);
            FloatVector s12 = m12.sub(m22).sub(m32);
            FloatVector s13 = m13.sub(m23).sub(m33);
            s00.add(s01).add(s02).intoMemorySegment(y, q, NATIVE);
            s01.sub(s02).sub(s03).intoMemorySegment(y, q + column, NATIVE);
            s10.add(s11).add(s12).intoMemorySegment(y, q + row, NATIVE);
            s11.sub(s12).sub(s13).intoMemorySegment(y, q + row + column, NATIVE);
        }
    }

    /** {@code G g G^T} of the 3 x 3 taps from {@code at} on, {@code tap} apart, row by row; backwards if that is negative. */
    static void filter(MemorySegment g, long at, long tap, MemorySegment u, long to, long matrix, int channels) {
        for (int column = 0; column < 3; column++) {
            spread(g, at + column * tap, 3 * tap, u, to + column * matrix, 4 * matrix, channels);
        }
        for (int row = 0; row < 4; row++) {
            spread(u, to + 4 * row * matrix, matrix, u, to + 4 * row * matrix, matrix, channels);
        }
    }

    /** G times three values, in place or not. */
    private static void spread(MemorySegment g, long at, long apart, MemorySegment u, long to, long step, int channels) {
        for (int c = 0; c < channels; c += LANES) {
            long p = at + (long) c * Float.BYTES;
            long q = to + (long) c * Float.BYTES;
            FloatVector first = FloatVector.fromMemorySegment(F, g, p, NATIVE);
            FloatVector last = FloatVector.fromMemorySegment(F, g, p + 2 * apart, NATIVE);
            FloatVector middle = FloatVector.fromMemorySegment(F, g, p + apart, NATIVE).mul(0.5f);
            FloatVector outer = first.add(last).mul(0.5f);
            first.intoMemorySegment(u, q, NATIVE);
            outer.add(middle).intoMemorySegment(u, q + step, NATIVE);
            outer.sub(middle).intoMemorySegment(u, q + 2 * step, NATIVE);
            last.intoMemorySegment(u, q + 3 * step, NATIVE);
        }
    }

    /** Adds {@code G^T u G} to the 3 x 3 taps from {@code at} on, {@code tap} apart, row by row: the filter's gradient. u is overwritten. */
    static void filterGradient(MemorySegment u, long from, long matrix, MemorySegment g, long at, long tap, int channels) {
        for (int row = 0; row < 4; row++) {
            gather(u, from + 4 * row * matrix, matrix, channels);
        }
        for (int column = 0; column < 3; column++) {
            gather(u, from + column * matrix, 4 * matrix, channels);
            for (int row = 0; row < 3; row++) {
                add(u, from + (4 * row + column) * matrix, g, at + (3 * row + column) * tap, channels);
            }
        }
    }

    /** {@code G^T} times four values, in the place of the first three. */
    private static void gather(MemorySegment u, long from, long apart, int channels) {
        for (int c = 0; c < channels; c += LANES) {
            long p = from + (long) c * Float.BYTES;
            FloatVector one = FloatVector.fromMemorySegment(F, u, p + apart, NATIVE);
            FloatVector two = FloatVector.fromMemorySegment(F, u, p + 2 * apart, NATIVE);
            FloatVector outer = one.add(two).mul(0.5f);
            FloatVector.fromMemorySegment(F, u, p, NATIVE).add(outer).intoMemorySegment(u, p, NATIVE);
            one.sub(two).mul(0.5f).intoMemorySegment(u, p + apart, NATIVE);
            FloatVector.fromMemorySegment(F, u, p + 3 * apart, NATIVE).add(outer).intoMemorySegment(u, p + 2 * apart, NATIVE);
        }
    }

    private static void add(MemorySegment u, long from, MemorySegment g, long at, int channels) {
        for (int c = 0; c < channels; c += LANES) {
            long p = from + (long) c * Float.BYTES;
            long q = at + (long) c * Float.BYTES;
            FloatVector sum = FloatVector.fromMemorySegment(F, g, q, NATIVE).add(FloatVector.fromMemorySegment(F, u, p, NATIVE));
            sum.intoMemorySegment(g, q, NATIVE);
        }
    }

    /** Zeros, so many. */
    static void clear(MemorySegment memory, int count) {
        FloatVector zero = FloatVector.zero(F);
        for (int i = 0; i < count; i += LANES) {
            zero.intoMemorySegment(memory, (long) i * Float.BYTES, NATIVE);
        }
    }
}
