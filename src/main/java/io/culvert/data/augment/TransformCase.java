package io.culvert.data.augment;

import io.culvert.CulvertException;
import io.culvert.data.augment.ColorJitter.Adjustment;
import io.culvert.device.cuda.CudaContext;
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
    private final int height;
    private final int width;
    private final DrawnView drawn = new DrawnView();
    private int outHeight;
    private int outWidth;
    private Normalization normalization = Normalization.NONE;

    private TransformCase(TransformParams params, int height, int width) {
        this.params = params;
        this.height = height;
        this.width = width;
        outHeight = height;
        outWidth = width;
        drawn.whole(height, width, Interpolation.BILINEAR);
    }

    /** The result: {@code values} are {@code [3, height, width]}. */
    public record Planes(float[] values, int height, int width) {}

    /**
     * Applies the transform on the CPU.
     *
     * @param name one of VECTORS' transform names
     * @param params its parameters as JSON gives them: numbers, strings, booleans, lists
     * @param image bytes {@code [height, width, 3]}, contiguous
     * @throws CulvertException of kind DATA when the name is unknown or a parameter is missing or out of range
     */
    public static Planes apply(String name, Map<String, Object> params, MemorySegment image, int height, int width) {
        return of(name, params, image, height, width).onCpu(image);
    }

    /** As {@link #apply(String, Map, MemorySegment, int, int)} for an image on the heap. */
    public static Planes apply(String name, Map<String, Object> params, byte[] image, int height, int width) {
        return apply(name, params, MemorySegment.ofArray(image), height, width);
    }

    /** As {@link #apply(String, Map, MemorySegment, int, int)} by {@code kernels/augment.cu}. */
    public static Planes apply(String name, Map<String, Object> params, MemorySegment image, int height, int width,
            CudaContext cuda) {
        return of(name, params, image, height, width).onGpu(image, cuda);
    }

    private static TransformCase of(
            String name, Map<String, Object> params, MemorySegment image, int height, int width) {
        if (!NAMES.contains(name)) {
            throw CulvertException.data("unknown transform '%s'; known: %s", name, String.join(", ", NAMES));
        }
        if (height < 1 || width < 1 || image.byteSize() != 3L * height * width) {
            throw CulvertException.data("%s: an image of %d x %d x 3 takes %d bytes, got %d", name, height, width,
                    3L * height * width, image.byteSize());
        }
        TransformCase transform = new TransformCase(new TransformParams(name, params), height, width);
        transform.read();
        return transform;
    }

    private Planes onCpu(MemorySegment image) {
        FloatImage out = new ViewRenderer.Canvas().apply(drawn, image, width, outHeight, outWidth);
        if (drawn.flip) {
            Pixelwise.horizontalFlip(out);
        }
        Pixelwise.normalize(out, normalization.meanArray(), normalization.stdArray());
        return new Planes(out.toPlanar(), outHeight, outWidth);
    }

    private Planes onGpu(MemorySegment image, CudaContext cuda) {
        ViewRecord.require(drawn, outHeight, outWidth);
        return new Planes(CudaViews.planes(cuda, drawn, image, height, width, outHeight, outWidth, normalization),
                outHeight, outWidth);
    }

    private void read() {
        switch (params.transform()) {
            case "resize" -> resize();
            case "crop_resize" -> cropResize();
            case "color_jitter" -> colorJitter();
            case "grayscale" -> drawn.grey = true;
            case "gaussian_blur" -> gaussianBlur();
            case "solarize" -> {
                drawn.solarize = true;
                drawn.threshold = (float) params.number("threshold");
            }
            case "horizontal_flip" -> drawn.flip = true;
            case "normalize" -> normalization = params.normalization();
            default -> throw new AssertionError(params.transform());
        }
    }

    private void resize() {
        outHeight = params.positive("height");
        outWidth = params.positive("width");
        drawn.interpolation = params.interpolation();
        drawn.antialias = params.flag("antialias", true);
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
        outHeight = params.positive("out_height");
        outWidth = params.positive("out_width");
        drawn.box.top = top;
        drawn.box.left = left;
        drawn.box.height = cropHeight;
        drawn.box.width = cropWidth;
        drawn.interpolation = params.interpolation();
    }

    private void colorJitter() {
        List<?> order = params.list("order", DEFAULT_ORDER);
        if (order.size() > drawn.steps.length) {
            throw CulvertException.data("color_jitter: at most %d adjustments, got %s", drawn.steps.length, order);
        }
        for (Object step : order) {
            Adjustment adjustment = params.adjustment(step);
            float amount = (float) params.number(adjustment.name().toLowerCase(Locale.ROOT));
            if (adjustment == Adjustment.HUE ? Math.abs(amount) > 0.5f : amount < 0) {
                throw CulvertException.data("color_jitter: %s of %s is out of range", step, amount);
            }
            drawn.step(adjustment, amount);
        }
    }

    /** {@code kernel} and {@code sigma} are one number, or two in the order x, y. */
    private void gaussianBlur() {
        double[] kernel = params.pair("kernel");
        double[] sigma = params.pair("sigma");
        checkKernel(kernel[0], sigma[0], width);
        checkKernel(kernel[1], sigma[1], height);
        drawn.blur((int) kernel[0], (int) kernel[1], sigma[0], sigma[1]);
    }

    private static void checkKernel(double size, double sigma, int length) {
        if (size < 1 || size % 2 != 1 || (int) size / 2 >= length || !(sigma > 0)) {
            throw CulvertException.data("gaussian_blur: kernel %s with sigma %s does not fit %d pixels: the kernel "
                    + "must be odd and at most twice the image less one, sigma above 0", size, sigma, length);
        }
    }
}
