package io.culvert.emulator;

import java.util.Arrays;

/**
 * Pooling as plain loops with double sums: x {@code [n, height, width, channels]}, y {@code [n, outHeight, outWidth,
 * channels]}. NaNs win. Which of equal maxima gets the gradient NVIDIA does not document; here it is the first in row order.
 *
 * @param mode as cuDNN numbers it
 */
record PoolingLoops(
        int mode, int n, int height, int width, int channels, int outHeight, int outWidth, int windowHeight,
        int windowWidth, int stride, int padding) {
    static final int AVERAGE_INCLUDING_PADDING = 1;
    static final int MAX_DETERMINISTIC = 3;

    /** What a loop over all places of all windows, in row order, does with them. */
    private interface Tap {
        /**
         * @param x element index of the input
         * @param y element index of the output
         */
        void visit(int x, int y);
    }

    int inputs() {
        return n * height * width * channels;
    }

    int outputs() {
        return n * outHeight * outWidth * channels;
    }

    private void eachTap(Tap tap) {
        for (int y = 0; y < outputs(); y++) {
            int pixel = y / channels;
            int top = pixel / outWidth % outHeight * stride - padding;
            int left = pixel % outWidth * stride - padding;
            int image = pixel / outWidth / outHeight;
            for (int r = Math.max(0, -top); r < Math.min(windowHeight, height - top); r++) {
                for (int s = Math.max(0, -left); s < Math.min(windowWidth, width - left); s++) {
                    tap.visit(((image * height + top + r) * width + left + s) * channels + y % channels, y);
                }
            }
        }
    }

    float[] forward(float[] x) {
        if (mode == AVERAGE_INCLUDING_PADDING) {
            double[] sums = new double[outputs()];
            eachTap((from, to) -> sums[to] += x[from] / (double) (windowHeight * windowWidth));
            return floats(sums);
        }
        float[] y = new float[outputs()];
        Arrays.fill(y, Float.NEGATIVE_INFINITY);
        // Math.max gives a NaN where there is one.
        eachTap((from, to) -> y[to] = Math.max(y[to], x[from]));
        return y;
    }

    float[] backward(float[] x, float[] y, float[] dy) {
        double[] dx = new double[inputs()];
        if (mode == AVERAGE_INCLUDING_PADDING) {
            eachTap((to, from) -> dx[to] += dy[from] / (double) (windowHeight * windowWidth));
            return floats(dx);
        }
        boolean[] given = new boolean[outputs()];
        eachTap((to, from) -> {
            if (!given[from] && Float.compare(x[to] + 0f, y[from] + 0f) == 0) {
                given[from] = true;
                dx[to] += dy[from];
            }
        });
        for (int i = 0; i < given.length; i++) {
            if (!given[i]) {
                throw new SimulatedError(
                        SimulatedDriver.ILLEGAL_ADDRESS, "cudnnPoolingBackward: output %d is no maximum of its window", i);
            }
        }
        return floats(dx);
    }

    private static float[] floats(double[] values) {
        float[] floats = new float[values.length];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) values[i];
        }
        return floats;
    }
}
