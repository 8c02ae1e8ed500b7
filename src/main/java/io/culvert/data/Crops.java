package io.culvert.data;

import io.culvert.CulvertException;
import io.culvert.data.augment.ViewRecipe;
import java.util.List;

/**
 * The views of an image that have one size, and so go into one tensor.
 *
 * @param size side of the square views in pixels
 * @param views one recipe a view
 */
public record Crops(int size, List<? extends ViewRecipe> views) {
    private static final long PIXEL_BYTES = 3L * Float.BYTES;

    public Crops {
        views = List.copyOf(views);
        if (size < 1 || views.isEmpty()) {
            throw CulvertException.usage(
                    "views have a size of at least 1 and number at least 1, got size %d and %d views", size, views.size());
        }
    }

    /** Bytes of one view, as floats. */
    long viewBytes() {
        return PIXEL_BYTES * size * size;
    }
}
