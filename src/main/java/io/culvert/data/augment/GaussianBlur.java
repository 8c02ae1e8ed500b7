package io.culvert.data.augment;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * torchvision's Gaussian blur: a separable kernel of odd size, normalised to sum 1, over a reflected border (the edge
 * pixel is not repeated). An instance holds the scratch of one thread.
 */
public final class GaussianBlur {
    // A weight below this share of the centre's adds less than float rounding does.
    private static final double NEGLIGIBLE = 1e-9;

    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

    private float[] kernel = new float[0];
    private double[] exact = new double[0];
    // Where the k-th values on either side of the centre begin.
    private int[] before = new int[0];
    private int[] after = new int[0];
    private float[] padded = new float[0];
    private float[] blurred = new float[0];

    /** Blurs with the same kernel along both axes. */
    public void apply(FloatImage image, int size, double sigma) {
        apply(image, size, size, sigma, sigma);
    }

    /** Blurs; each size is odd and less than twice the image's length along its axis. */
    public void apply(FloatImage image, int sizeX, int sizeY, double sigmaX, double sigmaY) {
        reserve(image);
        int radiusX = fillKernel(sizeX, sigmaX);
        for (int c = 0; c < 3; c++) {
            alongRows(image.plane(c), image.height(), image.width(), radiusX);
        }
        int radiusY = fillKernel(sizeY, sigmaY);
        for (int c = 0; c < 3; c++) {
            alongColumns(image.plane(c), image.height(), image.width(), radiusY);
        }
    }

    private void reserve(FloatImage image) {
        if (padded.length < 3 * image.width()) {
            padded = new float[3 * image.width()];
        }
        if (blurred.length < image.pixels()) {
            blurred = new float[image.pixels()];
        }
    }

    /** Fills {@code kernel[0..radius]}, centre first, and returns the radius without the negligible tail. */
    private int fillKernel(int size, double sigma) {
        int half = size / 2;
        if (kernel.length <= half) {
            kernel = new float[half + 1];
            exact = new double[half + 1];
            before = new int[half + 1];
            after = new int[half + 1];
        }
        double total = 0;
        int radius = 0;
        for (int k = 0; k <= half; k++) {
            exact[k] = Math.exp(-0.5 * (k / sigma) * (k / sigma));
            total += k == 0 ? exact[k] : 2 * exact[k];
            radius = exact[k] >= NEGLIGIBLE ? k : radius;
        }
        for (int k = 0; k <= half; k++) {
            kernel[k] = (float) (exact[k] / total);
        }
        return radius;
    }

    private void alongRows(float[] plane, int height, int width, int radius) {
        for (int k = 1; k <= radius; k++) {
            before[k] = radius - k;
            after[k] = radius + k;
        }
        for (int y = 0; y < height; y++) {
            int row = y * width;
            System.arraycopy(plane, row, padded, radius, width);
            for (int k = 1; k <= radius; k++) {
                padded[radius - k] = plane[row + k];
                padded[radius + width - 1 + k] = plane[row + width - 1 - k];
            }
            blurLine(plane, row, padded, radius, width, radius);
        }
    }

    private void alongColumns(float[] plane, int height, int width, int radius) {
        for (int y = 0; y < height; y++) {
            for (int k = 1; k <= radius; k++) {
                before[k] = Math.abs(y - k) * width;
                after[k] = (height - 1 - Math.abs(height - 1 - y - k)) * width;
            }
            blurLine(blurred, y * width, plane, y * width, width, radius);
        }
        System.arraycopy(blurred, 0, plane, 0, height * width);
    }

    /**
     * {@code out[to + x] = kernel[0] in[center + x] + sum over k of kernel[k] (in[before[k] + x] + in[after[k] + x])}.
     */
    private void blurLine(float[] out, int to, float[] in, int center, int length, int radius) {
        int bound = SPECIES.loopBound(length);
        for (int x = 0; x < bound; x += SPECIES.length()) {
            FloatVector sum = FloatVector.fromArray(SPECIES, in, center + x).mul(kernel[0]);
            for (int k = 1; k <= radius; k++) {
                FloatVector pair = FloatVector.fromArray(SPECIES, in, before[k] + x)
                        .add(FloatVector.fromArray(SPECIES, in, after[k] + x));
                sum = pair.fma(FloatVector.broadcast(SPECIES, kernel[k]), sum);
            }
            sum.intoArray(out, to + x);
        }
        for (int x = bound; x < length; x++) {
            float sum = in[center + x] * kernel[0];
            for (int k = 1; k <= radius; k++) {
                sum = Math.fma(in[before[k] + x] + in[after[k] + x], kernel[k], sum);
            }
            out[to + x] = sum;
        }
    }
}
