package io.culvert.data.augment;

import io.culvert.CulvertException;
import io.culvert.data.augment.ColorJitter.Adjustment;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * One transform by name on one image, as the conformance vectors of kind {@code transform} state it: bytes
 * {@code [H, W, 3]} in, floats {@code [3, h, w]} out.
 */
public final class TransformCase {
    private static final List<String> NAMES = List.of("resize", "crop_resize", "color_jitter", "grayscale",
            "gaussian_blur", "solarize", "horizontal_flip", "normalize");
    private static final List<Object> DEFAULT_ORDER = List.of("brightness", "contrast", "saturation", "hue");

    private final TransformParams params;
    private final MemorySegment image;
    private final int height;
    private final int width;
    private final FloatImage out = new FloatImage();

    private TransformCase(TransformParams params, MemorySegment image, int height, int width) {
        this.params = params;
        this.image = image;
        this.height = height;
        this.width = width;
    }

    /** The result: {@code values} are {@code [3, height, width]}. */
    public record Planes(float[] values, int height, int width) {}

    /**
     * Applies the transform.
     *
     * @param name one of VECTORS' transform names
     * @param params its parameters as JSON gives them: numbers, strings, booleans, lists
     * @param image bytes {@code [height, width, 3]}, contiguous
     * @throws CulvertException of kind DATA when the name is unknown or a parameter is missing or out of range
     */
    public static Planes apply(String name, Map<String, Object> params, MemorySegment image, int height, int width) {
        if (!NAMES.contains(name)) {
            throw CulvertException.data("unknown transform '%s'; known: %s", name, String.join(", ", NAMES));
        }
        if (height < 1 || width < 1 || image.byteSize() != 3L * height * width) {
            throw CulvertException.data("%s: an image of %d x %d x 3 takes %d bytes, got %d", name, height, width,
                    3L * height * width, image.byteSize());
        }
        return new TransformCase(new TransformParams(name, params), image, height, width).run();
    }

    /** As {@link #apply(String, Map, MemorySegment, int, int)} for an image on the heap. */
    public static Planes apply(String name, Map<String, Object> params, byte[] image, int height, int width) {
        return apply(name, params, MemorySegment.ofArray(image), height, width);
    }

    private Planes run() {
        switch (params.transform()) {
            case "resize" -> resize();
            case "crop_resize" -> cropResize();
            default -> {
                out.setBytes(image, height, width);
                inPlace();
            }
        }
        return new Planes(out.toPlanar(), out.height(), out.width());
    }

    private void inPlace() {
        switch (params.transform()) {
            case "color_jitter" -> colorJitter();
            case "grayscale" -> ColorJitter.grayscale(out);
            case "gaussian_blur" -> gaussianBlur();
            case "solarize" -> Pixelwise.solarize(out, (float) params.number("threshold"));
            case "horizontal_flip" -> Pixelwise.horizontalFlip(out);
            case "normalize" -> Pixelwise.normalize(out, params.channels("mean"), params.channels("std"));
            default -> throw new AssertionError(params.transform());
        }
    }

    private void resize() {
        new Resize().resize(image, height, width, out, params.positive("height"), params.positive("width"),
                params.interpolation(), params.flag("antialias", true));
    }

    private void cropResize() {
        int top = params.integer("top");
        int left = params.integer("left");
        int cropHeight = params.positive("height");
        int cropWidth = params.positive("width");
        if (top < 0 || left < 0 || top + cropHeight > height || left + cropWidth > width) {
            throw CulvertException.data("crop_resize: the %3$dx%4$d crop at top %1$d, left %2$d leaves the "
                    + "%5$dx%6$d image", top, left, cropHeight, cropWidth, height, width);
        }
        new Resize().cropResize(image, width, top, left, cropHeight, cropWidth, out, params.positive("out_height"),
                params.positive("out_width"), params.interpolation());
    }

    private void colorJitter() {
        for (Object step : params.list("order", DEFAULT_ORDER)) {
            Adjustment adjustment = params.adjustment(step);
            float amount = (float) params.number(adjustment.name().toLowerCase(Locale.ROOT));
            if (adjustment == Adjustment.HUE ? Math.abs(amount) > 0.5f : amount < 0) {
                throw CulvertException.data("color_jitter: %s of %s is out of range", step, amount);
            }
            ColorJitter.adjust(out, adjustment, amount);
        }
    }

    /** {@code kernel} and {@code sigma} are one number, or two in the order x, y. */
    private void gaussianBlur() {
        double[] kernel = params.pair("kernel");
        double[] sigma = params.pair("sigma");
        checkKernel(kernel[0], sigma[0], width);
        checkKernel(kernel[1], sigma[1], height);
        new GaussianBlur().apply(out, (int) kernel[0], (int) kernel[1], sigma[0], sigma[1]);
    }

    private static void checkKernel(double size, double sigma, int length) {
        if (size < 1 || size % 2 != 1 || (int) size / 2 >= length || !(sigma > 0)) {
            throw CulvertException.data("gaussian_blur: kernel %s with sigma %s does not fit %d pixels: the kernel "
                    + "must be odd and at most twice the image less one, sigma above 0", size, sigma, length);
        }
    }
}
