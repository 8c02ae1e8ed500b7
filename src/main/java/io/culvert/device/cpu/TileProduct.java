package io.culvert.device.cpu;

import static io.culvert.device.cpu.Simd.F;
import static io.culvert.device.cpu.Simd.LANES;

import jdk.incubator.vector.FloatVector;

/**
 * Products of matrices that fit a core's cache, for kernels that go from one to the next without leaving it. A block of
 * {@link #ROWS} rows and two vectors of results, or of {@link #TALL} rows and one where a single vector of columns is left,
 * stays in registers (12 of the 16 that AVX2 has) while the loop runs over the inner dimension. Rows and columns past the ends
 * are computed too: every array has room up to the next whole block of rows and the next whole vector of columns.
 */
public final class TileProduct {
    private static final int ROWS = 6;
    private static final int TALL = 12;
    private static final int LINE = 64 / Float.BYTES;

    private TileProduct() {}

    /** The number of rows that a matrix of {@code rows} must have room for. */
    public static int paddedRows(int rows) {
        return (rows + TALL - 1) / TALL * TALL;
    }

    /** The number of columns that are computed. */
    public static int paddedColumns(int columns) {
        return Simd.bound(columns + LANES - 1);
    }

    /**
     * Elements from row to row of a matrix with {@code columns} columns: whole cache lines, which hold whole vectors, and an odd
     * number of them, so that the rows of a block lie in different sets of the cache.
     */
    public static int stride(int columns) {
        int lines = (paddedColumns(columns) + LINE - 1) / LINE;
        return (lines | 1) * LINE;
    }

    /**
     * {@code c = a b}: c {@code [rows, columns]}, b {@code [depth, columns]} by rows of {@code ldb} elements, c by rows of
     * {@code ldc}; element (r, k) of a is {@code a[r * aRow + k * aColumn]}.
     *
     * @param add whether to add to what c holds
     */
    public static void multiply(
            float[] c, int ldc, float[] a, int aRow, int aColumn, float[] b, int ldb, int rows, int columns, int depth,
            boolean add) {
        int column = 0;
        for (; column + LANES < columns; column += 2 * LANES) {
            for (int row = 0; row < rows; row += ROWS) {
                block(c, row * ldc + column, ldc, a, row * aRow, aRow, aColumn, b, column, ldb, depth, add);
            }
        }
        if (column < columns) {
            for (int row = 0; row < rows; row += TALL) {
                tall(c, row * ldc + column, ldc, a, row * aRow, aRow, aColumn, b, column, ldb, depth, add);
            }
        }
    }

    /**
     * Calls the Vector API and nothing else, so that all of it is inlined: see {@link SimdMath}. The choice comes last: vectors
     * that two branches hand on would live on the heap.
     */
    private static void block(
            float[] c, int to, int ldc, float[] a, int from, int aRow, int aColumn, float[] b, int column, int ldb,
            int depth, boolean add) {
        FloatVector c00 = FloatVector.zero(F);
        FloatVector c01 = FloatVector.zero(F);
        FloatVector c10 = FloatVector.zero(F);
        FloatVector c11 = FloatVector.zero(F);
        FloatVector c20 = FloatVector.zero(F);
        FloatVector c21 = FloatVector.zero(F);
        FloatVector c30 = FloatVector.zero(F);
        FloatVector c31 = FloatVector.zero(F);
        FloatVector c40 = FloatVector.zero(F);
        FloatVector c41 = FloatVector.zero(F);
        FloatVector c50 = FloatVector.zero(F);
        FloatVector c51 = FloatVector.zero(F);
        int i = from;
        int j = column;
        for (int k = 0; k < depth; k++) {
            FloatVector b0 = FloatVector.fromArray(F, b, j);
            FloatVector b1 = FloatVector.fromArray(F, b, j + LANES);
            FloatVector a0 = FloatVector.broadcast(F, a[i]);
            c00 = a0.fma(b0, c00);
            c01 = a0.fma(b1, c01);
            FloatVector a1 = FloatVector.broadcast(F, a[i + aRow]);
            c10 = a1.fma(b0, c10);
            c11 = a1.fma(b1, c11);
            FloatVector a2 = FloatVector.broadcast(F, a[i + 2 * aRow]);
            c20 = a2.fma(b0, c20);
            c21 = a2.fma(b1, c21);
            FloatVector a3 = FloatVector.broadcast(F, a[i + 3 * aRow]);
            c30 = a3.fma(b0, c30);
            c31 = a3.fma(b1, c31);
            FloatVector a4 = FloatVector.broadcast(F, a[i + 4 * aRow]);
            c40 = a4.fma(b0, c40);
            c41 = a4.fma(b1, c41);
            FloatVector a5 = FloatVector.broadcast(F, a[i + 5 * aRow]);
            c50 = a5.fma(b0, c50);
            c51 = a5.fma(b1, c51);
            i += aColumn;
            j += ldb;
        }
        if (add) {
            c00.add(FloatVector.fromArray(F, c, to)).intoArray(c, to);
            c01.add(FloatVector.fromArray(F, c, to + LANES)).intoArray(c, to + LANES);
            c10.add(FloatVector.fromArray(F, c, to + ldc)).intoArray(c, to + ldc);
            c11.add(FloatVector.fromArray(F, c, to + ldc + LANES)).intoArray(c, to + ldc + LANES);
            c20.add(FloatVector.fromArray(F, c, to + 2 * ldc)).intoArray(c, to + 2 * ldc);
            c21.add(FloatVector.fromArray(F, c, to + 2 * ldc + LANES)).intoArray(c, to + 2 * ldc + LANES);
            c30.add(FloatVector.fromArray(F, c, to + 3 * ldc)).intoArray(c, to + 3 * ldc);
            c31.add(FloatVector.fromArray(F, c, to + 3 * ldc + LANES)).intoArray(c, to + 3 * ldc + LANES);
            c40.add(FloatVector.fromArray(F, c, to + 4 * ldc)).intoArray(c, to + 4 * ldc);
            c41.add(FloatVector.fromArray(F, c, to + 4 * ldc + LANES)).intoArray(c, to + 4 * ldc + LANES);
            c50.add(FloatVector.fromArray(F, c, to + 5 * ldc)).intoArray(c, to + 5 * ldc);
            c51.add(FloatVector.fromArray(F, c, to + 5 * ldc + LANES)).intoArray(c, to + 5 * ldc + LANES);
        } else {
            c00.intoArray(c, to);
            c01.intoArray(c, to + LANES);
            c10.intoArray(c, to + ldc);
            c11.intoArray(c, to + ldc + LANES);
            c20.intoArray(c, to + 2 * ldc);
            c21.intoArray(c, to + 2 * ldc + LANES);
            c30.intoArray(c, to + 3 * ldc);
            c31.intoArray(c, to + 3 * ldc + LANES);
            c40.intoArray(c, to + 4 * ldc);
            c41.intoArray(c, to + 4 * ldc + LANES);
            c50.intoArray(c, to + 5 * ldc);
            c51.intoArray(c, to + 5 * ldc + LANES);
        }
    }

    /** As {@link #block}, of a single vector of columns. */
    private static void tall(
            float[] c, int to, int ldc, float[] a, int from, int aRow, int aColumn, float[] b, int column, int ldb,
            int depth, boolean add) {
        FloatVector c0 = FloatVector.zero(F);
        FloatVector c1 = FloatVector.zero(F);
        FloatVector c2 = FloatVector.zero(F);
        FloatVector c3 = FloatVector.zero(F);
        FloatVector c4 = FloatVector.zero(F);
        FloatVector c5 = FloatVector.zero(F);
        FloatVector c6 = FloatVector.zero(F);
        FloatVector c7 = FloatVector.zero(F);
        FloatVector c8 = FloatVector.zero(F);
        FloatVector c9 = FloatVector.zero(F);
        FloatVector c10 = FloatVector.zero(F);
        FloatVector c11 = FloatVector.zero(F);
        int i = from;
        int j = column;
        for (int k = 0; k < depth; k++) {
            FloatVector v = FloatVector.fromArray(F, b, j);
            c0 = FloatVector.broadcast(F, a[i]).fma(v, c0);
            c1 = FloatVector.broadcast(F, a[i + aRow]).fma(v, c1);
            c2 = FloatVector.broadcast(F, a[i + 2 * aRow]).fma(v, c2);
            c3 = FloatVector.broadcast(F, a[i + 3 * aRow]).fma(v, c3);
            c4 = FloatVector.broadcast(F, a[i + 4 * aRow]).fma(v, c4);
            c5 = FloatVector.broadcast(F, a[i + 5 * aRow]).fma(v, c5);
            c6 = FloatVector.broadcast(F, a[i + 6 * aRow]).fma(v, c6);
            c7 = FloatVector.broadcast(F, a[i + 7 * aRow]).fma(v, c7);
            c8 = FloatVector.broadcast(F, a[i + 8 * aRow]).fma(v, c8);
            c9 = FloatVector.broadcast(F, a[i + 9 * aRow]).fma(v, c9);
            c10 = FloatVector.broadcast(F, a[i + 10 * aRow]).fma(v, c10);
            c11 = FloatVector.broadcast(F, a[i + 11 * aRow]).fma(v, c11);
            i += aColumn;
            j += ldb;
        }
        if (add) {
            c0.add(FloatVector.fromArray(F, c, to)).intoArray(c, to);
            c1.add(FloatVector.fromArray(F, c, to + ldc)).intoArray(c, to + ldc);
            c2.add(FloatVector.fromArray(F, c, to + 2 * ldc)).intoArray(c, to + 2 * ldc);
            c3.add(FloatVector.fromArray(F, c, to + 3 * ldc)).intoArray(c, to + 3 * ldc);
            c4.add(FloatVector.fromArray(F, c, to + 4 * ldc)).intoArray(c, to + 4 * ldc);
            c5.add(FloatVector.fromArray(F, c, to + 5 * ldc)).intoArray(c, to + 5 * ldc);
            c6.add(FloatVector.fromArray(F, c, to + 6 * ldc)).intoArray(c, to + 6 * ldc);
            c7.add(FloatVector.fromArray(F, c, to + 7 * ldc)).intoArray(c, to + 7 * ldc);
            c8.add(FloatVector.fromArray(F, c, to + 8 * ldc)).intoArray(c, to + 8 * ldc);
            c9.add(FloatVector.fromArray(F, c, to + 9 * ldc)).intoArray(c, to + 9 * ldc);
            c10.add(FloatVector.fromArray(F, c, to + 10 * ldc)).intoArray(c, to + 10 * ldc);
            c11.add(FloatVector.fromArray(F, c, to + 11 * ldc)).intoArray(c, to + 11 * ldc);
        } else {
            c0.intoArray(c, to);
            c1.intoArray(c, to + ldc);
            c2.intoArray(c, to + 2 * ldc);
            c3.intoArray(c, to + 3 * ldc);
            c4.intoArray(c, to + 4 * ldc);
            c5.intoArray(c, to + 5 * ldc);
            c6.intoArray(c, to + 6 * ldc);
            c7.intoArray(c, to + 7 * ldc);
            c8.intoArray(c, to + 8 * ldc);
            c9.intoArray(c, to + 9 * ldc);
            c10.intoArray(c, to + 10 * ldc);
            c11.intoArray(c, to + 11 * ldc);
        }
    }
}
