package io.culvert.data;

import io.culvert.CulvertException;
import io.culvert.device.cpu.RgbImage;
import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Locale;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;

/** Decodes what the native decoder does not take, by ImageIO with TwelveMonkeys' JPEG reader. Rare, hence simple. */
final class FallbackDecoder {
    private FallbackDecoder() {}

    /**
     * Decodes a whole image.
     *
     * @throws CulvertException of kind DATA, naming the file, if ImageIO cannot read it or finds it cut short
     */
    static void decode(Path file, MemorySegment encoded, RgbImage into) {
        byte[] bytes = encoded.toArray(ValueLayout.JAVA_BYTE);
        try (ImageInputStream stream = ImageIO.createImageInputStream(new ByteArrayInputStream(bytes))) {
            Iterator<ImageReader> readers = ImageIO.getImageReaders(stream);
            if (!readers.hasNext()) {
                throw CulvertException.data("image %s is in no image format known (PNG and JPEG are)", file);
            }
            copy(read(readers.next(), stream, file), into);
        } catch (IOException | IndexOutOfBoundsException | IllegalArgumentException e) {
            throw CulvertException.data(e, "image %s is damaged: %s", file, e.getMessage());
        }
    }

    private static BufferedImage read(ImageReader reader, ImageInputStream stream, Path file) throws IOException {
        reader.addIIOReadWarningListener((source, warning) -> {
            // The readers fill what is missing with grey and only warn.
            String text = warning.toLowerCase(Locale.ROOT);
            if (text.contains("premature end") || text.contains("truncated")) {
                throw CulvertException.data("image %s is truncated: %s", file, warning);
            }
        });
        try {
            reader.setInput(stream, true, true);
            return reader.read(0);
        } finally {
            reader.dispose();
        }
    }

    private static void copy(BufferedImage image, RgbImage into) {
        into.resize(image.getHeight(), image.getWidth());
        boolean grey = image.getRaster().getNumBands() < 3 && !(image.getColorModel() instanceof IndexColorModel);
        int[] row = new int[image.getWidth()];
        for (int y = 0; y < image.getHeight(); y++) {
            if (grey) {
                greyRow(image.getRaster(), y, row);
            } else {
                image.getRGB(0, y, row.length, 1, row, 0, row.length);
            }
            store(row, into, y);
        }
    }

    /** Grey samples as stored: {@code getRGB} would take them for linear light and brighten them. */
    private static void greyRow(Raster raster, int y, int[] row) {
        raster.getSamples(0, y, row.length, 1, 0, row);
        int shift = Math.max(0, raster.getSampleModel().getSampleSize(0) - 8);
        for (int x = 0; x < row.length; x++) {
            row[x] = (row[x] >> shift) * 0x010101;
        }
    }

    private static void store(int[] row, RgbImage into, int y) {
        long at = (long) y * into.width() * 3;
        for (int pixel : row) {
            into.pixels().set(ValueLayout.JAVA_BYTE, at++, (byte) (pixel >> 16));
            into.pixels().set(ValueLayout.JAVA_BYTE, at++, (byte) (pixel >> 8));
            into.pixels().set(ValueLayout.JAVA_BYTE, at++, (byte) pixel);
        }
    }
}
