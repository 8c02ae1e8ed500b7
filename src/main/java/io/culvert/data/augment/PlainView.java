package io.culvert.data.augment;

/** The view for evaluation, without chance: the whole image resized to a square (antialiased) and normalised. */
public record PlainView(Interpolation interpolation, Normalization normalization) implements ViewRecipe {
    /** Bilinear, as torchvision's {@code Resize}, with Sewer-ML's normalisation. */
    public static final PlainView SEWER_ML = new PlainView(Interpolation.BILINEAR, Normalization.SEWER_ML);
}
