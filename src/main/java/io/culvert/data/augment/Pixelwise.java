package io.culvert.data.augment;

/** Transforms of single values, in place. */
public final class Pixelwise {
    private Pixelwise() {}

    /** {@code x >= threshold} becomes {@code 1 - x}. */
    public static void solarize(FloatImage image, float threshold) {
        int pixels = image.pixels();
        for (int c = 0; c < 3; c++) {
            float[] plane = image.plane(c);
            for (int i = 0; i < pixels; i++) {
                plane[i] = plane[i] >= threshold ? 1 - plane[i] : plane[i];
            }
        }
    }

    /** Clamps to 0..1: what storing the overshoot of a bicubic resize in bytes would do. */
    public static void clamp(FloatImage image) {
        int pixels = image.pixels();
        for (int c = 0; c < 3; c++) {
            float[] plane = image.plane(c);
            for (int i = 0; i < pixels; i++) {
                plane[i] = Math.max(0f, Math.min(1f, plane[i]));
            }
        }
    }

    /** {@code (x - mean) / std} per channel. */
    public static void normalize(FloatImage image, float[] mean, float[] std) {
        int pixels = image.pixels();
        for (int c = 0; c < 3; c++) {
            float[] plane = image.plane(c);
            for (int i = 0; i < pixels; i++) {
                plane[i] = (plane[i] - mean[c]) / std[c];
            }
        }
    }

    /** Mirrors every row. */
    public static void horizontalFlip(FloatImage image) {
        int width = image.width();
        for (int c = 0; c < 3; c++) {
            float[] plane = image.plane(c);
            for (int row = 0; row < image.pixels(); row += width) {
                flipRow(plane, row, row + width - 1);
            }
        }
    }

    private static void flipRow(float[] plane, int first, int last) {
        int left = first;
        int right = last;
        while (left < right) {
            float swap = plane[left];
            plane[left++] = plane[right];
            plane[right--] = swap;
        }
    }
}
