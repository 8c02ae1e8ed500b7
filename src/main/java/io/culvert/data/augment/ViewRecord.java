package io.culvert.data.augment;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.culvert.CulvertException;
import io.culvert.data.augment.ColorJitter.Adjustment;
import java.lang.foreign.MemorySegment;

/** A drawn view as {@code kernels/augment.cu} reads it: its {@code struct View}. */
public final class ViewRecord {
    /** Size of the record. */
    public static final int BYTES = 112;

    private static final int NO_STEP = -1;

    // What the kernels hold of a filter in shared memory: MAX_TAPS, MAX_RADIUS and where a blur's weights vanish.
    private static final int MAX_TAPS = 1024;
    private static final int MAX_RADIUS = 128;
    private static final double VANISHES = 6.438;

    private ViewRecord() {}

    /**
     * Writes a record.
     *
     * @param to memory that holds it from byte {@code at}, a multiple of 8
     * @param offset of the image's first byte, in the memory that the kernels get as {@code pixels}
     * @param height of the image, as {@code width}
     */
    public static void write(MemorySegment to, long at, DrawnView view, long offset, int height, int width) {
        to.set(JAVA_LONG, at, offset);
        to.set(JAVA_INT, at + 8, height);
        to.set(JAVA_INT, at + 12, width);
        to.set(JAVA_INT, at + 16, view.box.top);
        to.set(JAVA_INT, at + 20, view.box.left);
        to.set(JAVA_INT, at + 24, view.box.height);
        to.set(JAVA_INT, at + 28, view.box.width);
        to.set(JAVA_INT, at + 32, view.interpolation == Interpolation.BICUBIC ? 1 : 0);
        to.set(JAVA_INT, at + 36, view.antialias ? 1 : 0);
        to.set(JAVA_INT, at + 40, view.clamp ? 1 : 0);
        for (int i = 0; i < view.steps.length; i++) {
            boolean given = i < view.stepCount;
            to.set(JAVA_INT, at + 44 + 4 * i, given ? step(view.steps[i]) : NO_STEP);
            to.set(JAVA_FLOAT, at + 60 + 4 * i, given ? view.amounts[i] : 0);
        }
        to.set(JAVA_INT, at + 76, view.grey ? 1 : 0);
        to.set(JAVA_INT, at + 80, view.blurWidth);
        to.set(JAVA_INT, at + 84, view.blurHeight);
        to.set(JAVA_FLOAT, at + 88, (float) view.sigmaX);
        to.set(JAVA_FLOAT, at + 92, (float) view.sigmaY);
        to.set(JAVA_INT, at + 96, view.solarize ? 1 : 0);
        to.set(JAVA_FLOAT, at + 100, view.threshold);
        to.set(JAVA_INT, at + 104, view.flip ? 1 : 0);
        to.set(JAVA_INT, at + 108, 0);
    }

    private static int step(Adjustment adjustment) {
        return switch (adjustment) {
            case BRIGHTNESS -> 0;
            case CONTRAST -> 1;
            case SATURATION -> 2;
            case HUE -> 3;
        };
    }

    /** Whether the kernels can shrink a crop of the image to the view: their filters have a limited width. */
    public static boolean fits(DrawnView view, int outHeight, int outWidth) {
        int radius = view.interpolation.radius;
        return !view.antialias || taps(radius, view.box.height, outHeight) <= MAX_TAPS
                && taps(radius, view.box.width, outWidth) <= MAX_TAPS;
    }

    private static long taps(int radius, int crop, int out) {
        return 2L * radius * Math.ceilDiv(crop, out) + 1;
    }

    /**
     * Checks that the kernels can blur as the recipe asks.
     *
     * @throws CulvertException of kind USAGE if the blur is too wide for them
     */
    public static void require(ViewRecipe recipe, int size) {
        if (recipe instanceof AugmentConfig config
                && config.blur().probability() > 0
                && tooWide(config.blur().kernelFor(size), config.blur().sigmaMax())) {
            throw CulvertException.usage("a blur of %d pixels with sigma up to %s is wider than the GPU's kernels do: "
                    + "set data.augment_on=host", config.blur().kernelFor(size), config.blur().sigmaMax());
        }
    }

    private static boolean tooWide(int kernel, double sigma) {
        return kernel / 2 >= MAX_RADIUS && VANISHES * sigma >= MAX_RADIUS;
    }

    /** As {@link #require(ViewRecipe, int)} and {@link #fits} for one view, with errors of kind DATA. */
    static void require(DrawnView view, int outHeight, int outWidth) {
        if (!fits(view, outHeight, outWidth)) {
            throw CulvertException.data("the GPU's kernels do not shrink %d x %d pixels to %d x %d at once",
                    view.box.height, view.box.width, outHeight, outWidth);
        }
        if (view.blurred() && (tooWide(view.blurWidth, view.sigmaX) || tooWide(view.blurHeight, view.sigmaY))) {
            throw CulvertException.data("the GPU's kernels do not blur by %d x %d pixels with sigma %s, %s",
                    view.blurWidth, view.blurHeight, view.sigmaX, view.sigmaY);
        }
        int contrasts = 0;
        for (int i = 0; i < view.stepCount; i++) {
            contrasts += view.steps[i] == Adjustment.CONTRAST ? 1 : 0;
        }
        if (contrasts > 1) {
            throw CulvertException.data("the GPU's kernels change the contrast once at most, %d times asked for",
                    contrasts);
        }
    }
}
