package io.culvert.data.augment;

/** How a view of {@code size x size} is made from a decoded image. */
public sealed interface ViewRecipe permits AugmentConfig, PlainView {
    Normalization normalization();
}
