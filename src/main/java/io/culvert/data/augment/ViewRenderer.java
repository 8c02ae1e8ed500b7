package io.culvert.data.augment;

import io.culvert.CounterRng;
import io.culvert.data.augment.ColorJitter.Adjustment;
import java.lang.foreign.MemorySegment;

/**
 * Renders views by one recipe. An instance holds the scratch of one thread; after the largest image seen it allocates
 * nothing.
 */
public final class ViewRenderer {
    private static final Adjustment[] ADJUSTMENTS = Adjustment.values();

    private final ViewRecipe recipe;
    private final int size;
    private final float[] mean;
    private final float[] std;
    private final Resize resize = new Resize();
    private final GaussianBlur blur = new GaussianBlur();
    private final FloatImage view = new FloatImage();
    private final CropBox box = new CropBox();
    private final int[] order = new int[ADJUSTMENTS.length];

    /**
     * @param size the side of the square view in pixels
     */
    public ViewRenderer(ViewRecipe recipe, int size) {
        this.recipe = recipe;
        this.size = size;
        this.mean = recipe.normalization().meanArray();
        this.std = recipe.normalization().stdArray();
    }

    /**
     * Renders one view.
     *
     * @param bytes the decoded image {@code [height, width, 3]}
     * @param rng draws every choice, and nothing else does
     * @param out receives floats {@code [size, size, 3]}
     */
    public void render(MemorySegment bytes, int height, int width, CounterRng rng, MemorySegment out) {
        switch (recipe) {
            case PlainView plain -> {
                resize.resize(bytes, height, width, view, size, size, plain.interpolation(), true);
                view.writeInterleaved(out, mean, std, false);
            }
            case AugmentConfig config -> augment(config, bytes, height, width, rng, out);
        }
    }

    private void augment(AugmentConfig config, MemorySegment bytes, int height, int width, CounterRng rng,
            MemorySegment out) {
        AugmentConfig.Crop crop = config.crop();
        box.draw(crop, height, width, rng);
        resize.cropResize(bytes, width, box.top, box.left, box.height, box.width, view, size, size,
                crop.interpolation());
        if (crop.interpolation() == Interpolation.BICUBIC) {
            Pixelwise.clamp(view);
        }
        if (rng.chance(config.jitter().probability())) {
            jitter(config.jitter(), rng);
        }
        if (rng.chance(config.grey())) {
            ColorJitter.grayscale(view);
        }
        if (rng.chance(config.blur().probability())) {
            double sigma = rng.uniform(config.blur().sigmaMin(), config.blur().sigmaMax());
            blur.apply(view, config.blur().kernelFor(size), sigma);
        }
        if (rng.chance(config.solarize().probability())) {
            Pixelwise.solarize(view, (float) config.solarize().threshold());
        }
        view.writeInterleaved(out, mean, std, rng.chance(config.flip()));
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
                ColorJitter.adjust(view, adjustment, (float) amount);
            }
        }
    }
}
