package io.culvert.report;

import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Base64;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.ImageOutputStream;

/** Small pictures that live inside the page. */
public final class Thumbnail {
    private static final float QUALITY = 0.82f;

    private Thumbnail() {}

    /**
     * A JPEG as a data URI.
     *
     * @param rgb decoded pixels, U8 {@code [height, width, 3]}, contiguous
     * @param longest the longer side at most, pixels; a smaller picture keeps its size
     */
    public static String dataUri(MemorySegment rgb, int height, int width, int longest) {
        if (height < 1 || width < 1 || rgb.byteSize() < 3L * height * width) {
            throw new IllegalArgumentException(
                    "%d bytes do not hold %d x %d x 3 pixels".formatted(rgb.byteSize(), height, width));
        }
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        int[] row = new int[width];
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                long at = 3 * ((long) y * width + x);
                row[x] = channel(rgb, at) << 16 | channel(rgb, at + 1) << 8 | channel(rgb, at + 2);
            }
            image.setRGB(0, y, width, 1, row, 0, width);
        }
        return "data:image/jpeg;base64," + Base64.getEncoder().encodeToString(jpeg(shrink(image, longest)));
    }

    private static int channel(MemorySegment rgb, long at) {
        return rgb.get(ValueLayout.JAVA_BYTE, at) & 0xff;
    }

    /** Halves until less than twice too large, then scales: bilinear alone would skip pixels. */
    private static BufferedImage shrink(BufferedImage image, int longest) {
        int side = Math.max(image.getWidth(), image.getHeight());
        if (side <= longest) {
            return image;
        }
        int target = Math.max(longest, (side + 1) / 2);
        double scale = (double) target / side;
        return shrink(scale(image, scale), longest);
    }

    private static BufferedImage scale(BufferedImage image, double scale) {
        int width = (int) Math.max(1, Math.round(scale * image.getWidth()));
        int height = (int) Math.max(1, Math.round(scale * image.getHeight()));
        BufferedImage scaled = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = scaled.createGraphics();
        graphics.setRenderingHint(RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
        graphics.drawImage(image, 0, 0, width, height, null);
        graphics.dispose();
        return scaled;
    }

    private static byte[] jpeg(BufferedImage image) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
        try (ImageOutputStream stream = ImageIO.createImageOutputStream(bytes)) {
            ImageWriteParam param = writer.getDefaultWriteParam();
            param.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
            param.setCompressionQuality(QUALITY);
            writer.setOutput(stream);
            writer.write(null, new IIOImage(image, null, null), param);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            writer.dispose();
        }
        return bytes.toByteArray();
    }
}
