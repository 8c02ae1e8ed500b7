package io.culvert.emulator;

/**
 * A convolution as plain loops with double sums: x {@code [n, height, width, in]}, w {@code [out, kh, kw, in]}, y
 * {@code [n, outHeight, outWidth, out]}.
 */
record ConvolutionLoops(
        int n, int height, int width, int in, int outHeight, int outWidth, int out, int kh, int kw, int stride,
        int padding) {
    /** What a loop over all pairs of an input and an output pixel does with them. */
    private interface Tap {
        /**
         * @param x element index of the input pixel's first channel
         * @param y element index of the output pixel's first channel
         * @param w element index of the tap's first channel in the first filter
         */
        void visit(int x, int y, int w);
    }

    int inputs() {
        return n * height * width * in;
    }

    int outputs() {
        return n * outHeight * outWidth * out;
    }

    int weights() {
        return out * filterSize();
    }

    private int filterSize() {
        return kh * kw * in;
    }

    private void eachTap(Tap tap) {
        for (int pixel = 0; pixel < n * outHeight * outWidth; pixel++) {
            int top = pixel / outWidth % outHeight * stride - padding;
            int left = pixel % outWidth * stride - padding;
            int image = pixel / outWidth / outHeight;
            for (int r = Math.max(0, -top); r < Math.min(kh, height - top); r++) {
                for (int s = Math.max(0, -left); s < Math.min(kw, width - left); s++) {
                    int x = ((image * height + top + r) * width + left + s) * in;
                    tap.visit(x, pixel * out, (r * kw + s) * in);
                }
            }
        }
    }

    float[] forward(float[] x, float[] w) {
        double[] y = new double[outputs()];
        eachTap((xAt, yAt, wAt) -> {
            for (int o = 0; o < out; o++) {
                double sum = 0;
                for (int i = 0; i < in; i++) {
                    sum += (double) x[xAt + i] * w[o * filterSize() + wAt + i];
                }
                y[yAt + o] += sum;
            }
        });
        return floats(y);
    }

    float[] backwardData(float[] dy, float[] w) {
        double[] dx = new double[inputs()];
        eachTap((xAt, yAt, wAt) -> {
            for (int o = 0; o < out; o++) {
                double g = dy[yAt + o];
                for (int i = 0; i < in; i++) {
                    dx[xAt + i] += g * w[o * filterSize() + wAt + i];
                }
            }
        });
        return floats(dx);
    }

    float[] backwardFilter(float[] x, float[] dy) {
        double[] dw = new double[weights()];
        eachTap((xAt, yAt, wAt) -> {
            for (int o = 0; o < out; o++) {
                double g = dy[yAt + o];
                for (int i = 0; i < in; i++) {
                    dw[o * filterSize() + wAt + i] += g * x[xAt + i];
                }
            }
        });
        return floats(dw);
    }

    private static float[] floats(double[] values) {
        float[] rounded = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            rounded[i] = (float) values[i];
        }
        return rounded;
    }
}
