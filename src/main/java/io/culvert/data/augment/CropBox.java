package io.culvert.data.augment;

import io.culvert.CounterRng;

/** The box of a random resized crop, drawn as torchvision draws it. Reused from draw to draw. */
final class CropBox {
    private static final int ATTEMPTS = 10;

    int top;
    int left;
    int height;
    int width;

    void draw(AugmentConfig.Crop crop, int imageHeight, int imageWidth, CounterRng rng) {
        double area = (double) imageHeight * imageWidth;
        double lowest = Math.log(crop.ratioMin());
        double highest = Math.log(crop.ratioMax());
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            double target = area * rng.uniform(crop.scaleMin(), crop.scaleMax());
            double ratio = Math.exp(rng.uniform(lowest, highest));
            width = (int) Math.rint(Math.sqrt(target * ratio));
            height = (int) Math.rint(Math.sqrt(target / ratio));
            if (width > 0 && width <= imageWidth && height > 0 && height <= imageHeight) {
                top = rng.nextInt(imageHeight - height + 1);
                left = rng.nextInt(imageWidth - width + 1);
                return;
            }
        }
        center(crop, imageHeight, imageWidth);
    }

    /** The largest box in the middle whose ratio is in range. */
    private void center(AugmentConfig.Crop crop, int imageHeight, int imageWidth) {
        double ratio = (double) imageWidth / imageHeight;
        width = imageWidth;
        height = imageHeight;
        if (ratio < crop.ratioMin()) {
            height = Math.max(1, (int) Math.rint(width / crop.ratioMin()));
        } else if (ratio > crop.ratioMax()) {
            width = Math.max(1, (int) Math.rint(height * crop.ratioMax()));
        }
        top = (imageHeight - height) / 2;
        left = (imageWidth - width) / 2;
    }
}
