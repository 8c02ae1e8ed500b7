package io.culvert.data.augment;

import io.culvert.CulvertException;

/**
 * The recipe of one random view. The steps run in this order: crop, jitter, grey, blur, solarise, flip, normalise (a
 * flip commutes with all before it). Every probability is 0..1.
 *
 * @param flip probability of a horizontal flip
 * @param grey probability of dropping the colour
 */
public record AugmentConfig(
        Crop crop, double flip, Jitter jitter, double grey, Blur blur, Solarize solarize, Normalization normalization)
        implements ViewRecipe {

    public AugmentConfig {
        requireProbability("flip", flip);
        requireProbability("grey", grey);
    }

    /**
     * torchvision's RandomResizedCrop: a box of {@code scaleMin..scaleMax} of the image's area and an aspect ratio
     * (width / height) of {@code ratioMin..ratioMax}, drawn evenly in its logarithm.
     */
    public record Crop(
            double scaleMin, double scaleMax, double ratioMin, double ratioMax, Interpolation interpolation) {
        public Crop {
            requireRange("crop scale", 0, scaleMin, scaleMax, 1);
            requireRange("crop ratio", 0, ratioMin, ratioMax, Double.MAX_VALUE);
        }

        /** With torchvision's default ratios 3/4 to 4/3. */
        public static Crop of(double scaleMin, double scaleMax, Interpolation interpolation) {
            return new Crop(scaleMin, scaleMax, 3.0 / 4, 4.0 / 3, interpolation);
        }
    }

    /**
     * torchvision's ColorJitter: the first three draw a factor from {@code max(0, 1 - x)..1 + x}, the hue a shift from
     * {@code -hue..hue} turns; the four apply in random order.
     */
    public record Jitter(double probability, double brightness, double contrast, double saturation, double hue) {
        /** No jitter. */
        public static final Jitter NONE = new Jitter(0, 0, 0, 0, 0);

        public Jitter {
            requireProbability("jitter", probability);
            if (!(brightness >= 0 && contrast >= 0 && saturation >= 0 && hue >= 0 && hue <= 0.5)) {
                throw CulvertException.usage("jitter amounts are at least 0, and hue at most 0.5; got %s, %s, %s, %s",
                        brightness, contrast, saturation, hue);
            }
        }
    }

    /**
     * A Gaussian blur with sigma drawn from {@code sigmaMin..sigmaMax} pixels.
     *
     * @param kernel the odd kernel size, or 0 for a tenth of the view (23 at 224, as SimCLR)
     */
    public record Blur(double probability, int kernel, double sigmaMin, double sigmaMax) {
        /** No blur. */
        public static final Blur NONE = new Blur(0, 0, 0.1, 2);

        public Blur {
            requireProbability("blur", probability);
            requireRange("blur sigma", 0, sigmaMin, sigmaMax, Double.MAX_VALUE);
            if (kernel < 0 || (kernel > 0 && kernel % 2 == 0)) {
                throw CulvertException.usage("the blur kernel is odd, or 0 for a tenth of the view; got %d", kernel);
            }
        }

        /** The kernel's size for a view of this many pixels a side; never larger than the reflected border allows. */
        int kernelFor(int size) {
            int wanted = kernel > 0 ? kernel : Math.max(3, size / 10 | 1);
            return Math.min(wanted, 2 * size - 1);
        }
    }

    /** Inverts values at or above the threshold (0..1). */
    public record Solarize(double probability, double threshold) {
        /** No solarisation. */
        public static final Solarize NONE = new Solarize(0, 0.5);

        public Solarize {
            requireProbability("solarize", probability);
            requireProbability("solarize threshold", threshold);
        }
    }

    private static void requireProbability(String key, double value) {
        if (!(value >= 0 && value <= 1)) {
            throw CulvertException.usage("%s is between 0 and 1, got %s", key, value);
        }
    }

    private static void requireRange(String key, double floor, double low, double high, double ceiling) {
        if (!(low > floor && low <= high && high <= ceiling)) {
            throw CulvertException.usage("%s runs from above %s upwards to at most %s, got %s to %s", key, floor,
                    ceiling, low, high);
        }
    }
}
