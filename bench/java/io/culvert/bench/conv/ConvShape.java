package io.culvert.bench.conv;

import java.util.stream.Stream;

/**
 * A square-kernel convolution of {@code [n,c,h,w]} with {@code [o,c,kernel,kernel]}, written
 * {@code n,c,h,w,o,kernel,stride,padding}.
 */
public record ConvShape(int n, int c, int h, int w, int o, int kernel, int stride, int padding) {
    /** Reads {@code n,c,h,w,o,kernel,stride,padding}. */
    public static ConvShape parse(String text) {
        int[] v = Stream.of(text.split(",")).mapToInt(Integer::parseInt).toArray();
        return new ConvShape(v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]);
    }

    /** Height of the output. */
    public int outHeight() {
        return (h + 2 * padding - kernel) / stride + 1;
    }

    /** Width of the output. */
    public int outWidth() {
        return (w + 2 * padding - kernel) / stride + 1;
    }

    /** Floating-point operations of the forward pass, a multiply-add counting two. */
    public double flops() {
        return 2.0 * n * o * outHeight() * outWidth() * c * kernel * kernel;
    }
}
