package io.culvert.data.augment;

import io.culvert.CounterRng;
import java.lang.foreign.MemorySegment;

/**
 * Renders views by one recipe on the CPU. An instance holds the scratch of one thread; after the largest image seen it
 * allocates nothing.
 */
public final class ViewRenderer {
    private final ViewRecipe recipe;
    private final int size;
    private final float[] mean;
    private final float[] std;
    private final DrawnView drawn = new DrawnView();
    private final Canvas canvas = new Canvas();

    /** The image that transforms work on, and their scratch. */
    static final class Canvas {
        final FloatImage view = new FloatImage();
        private final Resize resize = new Resize();
        private final GaussianBlur blur = new GaussianBlur();

        /** All of a view but flip and normalisation, {@code outHeight} by {@code outWidth}. */
        FloatImage apply(DrawnView drawn, MemorySegment bytes, int imageWidth, int outHeight, int outWidth) {
            CropBox box = drawn.box;
            resize.cropResize(bytes, imageWidth, box.top, box.left, box.height, box.width, view, outHeight, outWidth,
                    drawn.interpolation, drawn.antialias);
            if (drawn.clamp) {
                Pixelwise.clamp(view);
            }
            for (int i = 0; i < drawn.stepCount; i++) {
                ColorJitter.adjust(view, drawn.steps[i], drawn.amounts[i]);
            }
            if (drawn.grey) {
                ColorJitter.grayscale(view);
            }
            if (drawn.blurred()) {
                blur.apply(view, drawn.blurWidth, drawn.blurHeight, drawn.sigmaX, drawn.sigmaY);
            }
            if (drawn.solarize) {
                Pixelwise.solarize(view, drawn.threshold);
            }
            return view;
        }
    }

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
        drawn.draw(recipe, size, height, width, rng);
        canvas.apply(drawn, bytes, width, size, size).writeInterleaved(out, mean, std, drawn.flip);
    }
}
