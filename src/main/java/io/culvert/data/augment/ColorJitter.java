package io.culvert.data.augment;

/**
 * torchvision's colour transforms on float images, in place: each result is clamped to 0..1, and grey is
 * {@code 0.2989 R + 0.587 G + 0.114 B}.
 */
public final class ColorJitter {
    private static final float RED = 0.2989f;
    private static final float GREEN = 0.587f;
    private static final float BLUE = 0.114f;

    /** The four adjustments, whose order a recipe draws at random. */
    public enum Adjustment {
        BRIGHTNESS,
        CONTRAST,
        SATURATION,
        HUE
    }

    private ColorJitter() {}

    /** Applies one adjustment: a factor (1 changes nothing), or for the hue a shift in turns (-0.5..0.5). */
    public static void adjust(FloatImage image, Adjustment adjustment, float amount) {
        switch (adjustment) {
            case BRIGHTNESS -> brightness(image, amount);
            case CONTRAST -> contrast(image, amount);
            case SATURATION -> saturation(image, amount);
            case HUE -> Hue.shift(image, amount);
        }
    }

    /** {@code x = factor * x}. */
    public static void brightness(FloatImage image, float factor) {
        int pixels = image.pixels();
        for (int c = 0; c < 3; c++) {
            blend(image.plane(c), pixels, factor, 0);
        }
    }

    /** {@code x = factor * x + (1 - factor) * m}, m the mean grey of the image. */
    public static void contrast(FloatImage image, float factor) {
        int pixels = image.pixels();
        float offset = (1 - factor) * meanGrey(image);
        for (int c = 0; c < 3; c++) {
            blend(image.plane(c), pixels, factor, offset);
        }
    }

    /** {@code x = factor * x + (1 - factor) * grey}. */
    public static void saturation(FloatImage image, float factor) {
        float[] red = image.red();
        float[] green = image.green();
        float[] blue = image.blue();
        int pixels = image.pixels();
        float rest = 1 - factor;
        for (int i = 0; i < pixels; i++) {
            float grey = rest * grey(red[i], green[i], blue[i]);
            red[i] = clamp(factor * red[i] + grey);
            green[i] = clamp(factor * green[i] + grey);
            blue[i] = clamp(factor * blue[i] + grey);
        }
    }

    /** All three channels become grey. */
    public static void grayscale(FloatImage image) {
        float[] red = image.red();
        float[] green = image.green();
        float[] blue = image.blue();
        int pixels = image.pixels();
        for (int i = 0; i < pixels; i++) {
            float grey = grey(red[i], green[i], blue[i]);
            red[i] = grey;
            green[i] = grey;
            blue[i] = grey;
        }
    }

    private static void blend(float[] values, int length, float factor, float offset) {
        for (int i = 0; i < length; i++) {
            values[i] = clamp(factor * values[i] + offset);
        }
    }

    private static float meanGrey(FloatImage image) {
        return (float) (RED * mean(image.red(), image.pixels()) + GREEN * mean(image.green(), image.pixels())
                + BLUE * mean(image.blue(), image.pixels()));
    }

    private static double mean(float[] values, int length) {
        // Four sums, because one would wait for each addition before the next.
        double a = 0;
        double b = 0;
        double c = 0;
        double d = 0;
        int i = 0;
        for (; i + 3 < length; i += 4) {
            a += values[i];
            b += values[i + 1];
            c += values[i + 2];
            d += values[i + 3];
        }
        for (; i < length; i++) {
            a += values[i];
        }
        return (a + b + (c + d)) / length;
    }

    private static float grey(float red, float green, float blue) {
        return RED * red + GREEN * green + BLUE * blue;
    }

    private static float clamp(float x) {
        return Math.max(0f, Math.min(1f, x));
    }
}
