package io.culvert.device.cpu;

import static io.culvert.bindings.leptonica.leptonica_h.PNG_FORMAT_FLAG_ALPHA;
import static io.culvert.bindings.leptonica.leptonica_h.PNG_FORMAT_RGB;
import static io.culvert.bindings.leptonica.leptonica_h.PNG_FORMAT_RGBA;
import static io.culvert.bindings.leptonica.leptonica_h.PNG_IMAGE_FLAG_16BIT_sRGB;
import static io.culvert.bindings.leptonica.leptonica_h.PNG_IMAGE_VERSION;
import static io.culvert.bindings.leptonica.leptonica_h.png_image_begin_read_from_memory;
import static io.culvert.bindings.leptonica.leptonica_h.png_image_finish_read;
import static io.culvert.bindings.leptonica.leptonica_h.png_image_free;

import io.culvert.bindings.leptonica.png_image;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** PNG through libpng's simplified API, which decodes straight into the caller's memory. One per thread. */
final class PngReader {
    private final MemorySegment image;

    PngReader(Arena arena) {
        image = png_image.allocate(arena);
    }

    /** Decodes a file whose chunks {@link PngChunks} has found whole. */
    void read(MemorySegment encoded, RgbImage into) throws UndecodableException {
        image.fill((byte) 0);
        png_image.version(image, PNG_IMAGE_VERSION());
        check(png_image_begin_read_from_memory(image, encoded, encoded.byteSize()));
        try {
            int height = png_image.height(image);
            int width = png_image.width(image);
            boolean alpha = (png_image.format(image) & PNG_FORMAT_FLAG_ALPHA()) != 0;
            png_image.format(image, alpha ? PNG_FORMAT_RGBA() : PNG_FORMAT_RGB());
            png_image.flags(image, png_image.flags(image) | PNG_IMAGE_FLAG_16BIT_sRGB());
            if (alpha) {
                readAlpha(height, width, into);
            } else {
                into.resize(height, width);
                finish(into.pixels());
            }
        } finally {
            png_image_free(image);
        }
    }

    /** With alpha: four channels first, then the colours alone, moved up in place. */
    private void readAlpha(int height, int width, RgbImage into) throws UndecodableException {
        try (Arena call = Arena.ofConfined()) {
            long pixels = (long) height * width;
            MemorySegment rgba = call.allocate(pixels * 4);
            finish(rgba);
            into.resize(height, width);
            MemorySegment rgb = into.memory();
            for (long i = 0; i < pixels; i++) {
                // The fourth byte lands where the next pixel begins, and after the last in the image's slack.
                rgb.set(ValueLayout.JAVA_INT_UNALIGNED, i * 3, rgba.get(ValueLayout.JAVA_INT_UNALIGNED, i * 4));
            }
        }
    }

    private void finish(MemorySegment destination) throws UndecodableException {
        check(png_image_finish_read(image, MemorySegment.NULL, destination, 0, MemorySegment.NULL));
    }

    private void check(int ok) throws UndecodableException {
        if (ok == 0) {
            throw new UndecodableException(
                    "is a damaged or truncated PNG image (libpng: " + png_image.message(image).getString(0) + ")", false);
        }
    }
}
