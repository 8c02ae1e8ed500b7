package io.culvert.data.synth;

import io.culvert.AtomicFile;
import io.culvert.CulvertException;
import java.awt.image.BufferedImage;
import java.awt.image.WritableRaster;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/** Encodes frames and masks, and puts files in place whole. One per thread. */
final class FrameEncoder implements AutoCloseable {
    private final ImageWriter jpeg = ImageIO.getImageWritersByFormatName("jpeg").next();
    private final ImageWriter png = ImageIO.getImageWritersByFormatName("png").next();

    byte[] jpeg(Frame frame, float quality) {
        ImageWriteParam parameters = jpeg.getDefaultWriteParam();
        parameters.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
        parameters.setCompressionQuality(quality);
        return encode(jpeg, picture(frame.rgb(), frame.width(), frame.height()), parameters);
    }

    byte[] png(Frame frame) {
        return encode(png, picture(frame.rgb(), frame.width(), frame.height()), png.getDefaultWriteParam());
    }

    byte[] mask(Frame frame) {
        BufferedImage image = new BufferedImage(frame.width(), frame.height(), BufferedImage.TYPE_BYTE_GRAY);
        image.getRaster().setDataElements(0, 0, frame.width(), frame.height(), frame.mask());
        return encode(png, image, png.getDefaultWriteParam());
    }

    static BufferedImage picture(byte[] rgb, int width, int height) {
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_3BYTE_BGR);
        WritableRaster raster = image.getRaster();
        raster.setDataElements(0, 0, width, height, rgb);
        return image;
    }

    private static byte[] encode(ImageWriter writer, BufferedImage image, ImageWriteParam parameters) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 15);
        try (MemoryCacheImageOutputStream stream = new MemoryCacheImageOutputStream(bytes)) {
            writer.setOutput(stream);
            writer.write(null, new IIOImage(image, null, null), parameters);
        } catch (IOException e) {
            throw CulvertException.data(e, "cannot encode a synthetic picture: %s", e.getMessage());
        }
        return bytes.toByteArray();
    }

    /**
     * Writes beside the target and renames, so that a killed run leaves no half picture under a final name. Unlike
     * {@link AtomicFile} it does not wait for the disk: that would be most of the time of a small picture, and the
     * CSVs, which do wait, come last.
     */
    static void place(Path target, byte[] bytes) {
        Path partial = target.resolveSibling(target.getFileName() + ".part");
        try {
            Files.write(partial, bytes);
            Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(target, e);
        }
    }

    @Override
    public void close() {
        jpeg.dispose();
        png.dispose();
    }
}
