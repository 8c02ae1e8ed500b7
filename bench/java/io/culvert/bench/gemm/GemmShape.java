package io.culvert.bench.gemm;

import java.util.stream.Stream;

/** A matrix product {@code [m,k] x [k,n]}, written {@code m,k,n}. */
public record GemmShape(int m, int k, int n) {
    /** Reads {@code m,k,n}. */
    public static GemmShape parse(String text) {
        int[] v = Stream.of(text.split(",")).mapToInt(Integer::parseInt).toArray();
        return new GemmShape(v[0], v[1], v[2]);
    }

    /** Floating-point operations of the product, a multiply-add counting two. */
    public double flops() {
        return 2.0 * m * k * n;
    }
}
