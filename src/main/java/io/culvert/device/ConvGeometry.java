package io.culvert.device;

/**
 * The extents of a two-dimensional convolution without bias or dilation: input {@code [n, height, width, in]}, weights
 * {@code [out, kernel, kernel, in]}, output {@code [n, outHeight, outWidth, out]}.
 */
public record ConvGeometry(int n, int height, int width, int in, int out, int kernel, int stride, int padding) {
    public int outHeight() {
        return (height + 2 * padding - kernel) / stride + 1;
    }

    public int outWidth() {
        return (width + 2 * padding - kernel) / stride + 1;
    }

    /** Output pixels of the whole batch: the rows of the equivalent matrix product. */
    public int rows() {
        return n * outHeight() * outWidth();
    }

    /** Elements of one filter: the inner dimension of the equivalent matrix product. */
    public int taps() {
        return kernel * kernel * in;
    }

    /** Elements of x. */
    public long inputs() {
        return (long) n * height * width * in;
    }

    /** Elements of y. */
    public long outputs() {
        return (long) rows() * out;
    }

    /** Elements of the weights. */
    public long weights() {
        return (long) taps() * out;
    }

    /** Floating-point operations of the forward pass; each backward half costs the same. */
    public long flops() {
        return 2L * rows() * taps() * out;
    }
}
