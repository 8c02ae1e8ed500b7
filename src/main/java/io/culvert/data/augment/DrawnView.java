package io.culvert.data.augment;

import io.culvert.CounterRng;
import io.culvert.data.augment.ColorJitter.Adjustment;

/**
 * What is done to one image to make one view: the crop, the transforms in their order, and their amounts. A recipe draws
 * it; {@link ViewRenderer} carries it out on the CPU, {@code kernels/augment.cu} on the GPU, so both show the network the
 * same views. Reused from view to view.
 */
public final class DrawnView {
    private static final Adjustment[] ADJUSTMENTS = Adjustment.values();

    final CropBox box = new CropBox();
    Interpolation interpolation = Interpolation.BILINEAR;
    boolean antialias;
    boolean clamp;
    int stepCount;
    final Adjustment[] steps = new Adjustment[ADJUSTMENTS.length];
    final float[] amounts = new float[ADJUSTMENTS.length];
    boolean grey;
    /** Kernel sizes of the blur; both 0 for none. */
    int blurWidth;

    int blurHeight;
    double sigmaX;
    double sigmaY;
    boolean solarize;
    float threshold;
    boolean flip;

    private final int[] order = new int[ADJUSTMENTS.length];

    /** The whole image, resized with antialiasing and nothing else. */
    void whole(int height, int width, Interpolation by) {
        box.top = 0;
        box.left = 0;
        box.height = height;
        box.width = width;
        interpolation = by;
        antialias = true;
        clamp = false;
        stepCount = 0;
        grey = false;
        blurWidth = 0;
        blurHeight = 0;
        solarize = false;
        flip = false;
    }

    /**
     * Draws a view.
     *
     * @param size side of the view in pixels
     * @param height of the image, as {@code width}
     * @param rng draws every choice, and nothing else does
     */
    public void draw(ViewRecipe recipe, int size, int height, int width, CounterRng rng) {
        switch (recipe) {
            case PlainView plain -> whole(height, width, plain.interpolation());
            case AugmentConfig config -> {
                whole(height, width, config.crop().interpolation());
                box.draw(config.crop(), height, width, rng);
                // What storing the overshoot of a bicubic resize in bytes would do.
                clamp = interpolation == Interpolation.BICUBIC;
                if (rng.chance(config.jitter().probability())) {
                    jitter(config.jitter(), rng);
                }
                grey = rng.chance(config.grey());
                if (rng.chance(config.blur().probability())) {
                    double sigma = rng.uniform(config.blur().sigmaMin(), config.blur().sigmaMax());
                    int kernel = config.blur().kernelFor(size);
                    blur(kernel, kernel, sigma, sigma);
                }
                solarize = rng.chance(config.solarize().probability());
                threshold = (float) config.solarize().threshold();
                flip = rng.chance(config.flip());
            }
        }
    }

    private void jitter(AugmentConfig.Jitter jitter, CounterRng rng) {
        for (int i = 0; i < order.length; i++) {
            order[i] = i;
        }
        rng.shuffle(order, order.length);
        for (int step : order) {
            Adjustment adjustment = ADJUSTMENTS[step];
            double reach = switch (adjustment) {
                case BRIGHTNESS -> jitter.brightness();
                case CONTRAST -> jitter.contrast();
                case SATURATION -> jitter.saturation();
                case HUE -> jitter.hue();
            };
            if (reach > 0) {
                boolean hue = adjustment == Adjustment.HUE;
                double amount = hue ? rng.uniform(-reach, reach) : rng.uniform(Math.max(0, 1 - reach), 1 + reach);
                step(adjustment, (float) amount);
            }
        }
    }

    void step(Adjustment adjustment, float amount) {
        steps[stepCount] = adjustment;
        amounts[stepCount++] = amount;
    }

    void blur(int width, int height, double alongX, double alongY) {
        blurWidth = width;
        blurHeight = height;
        sigmaX = alongX;
        sigmaY = alongY;
    }

    /** Whether it is blurred. */
    public boolean blurred() {
        return blurWidth > 0;
    }
}
