package io.culvert.train;

import io.culvert.data.augment.Normalization;
import io.culvert.tensor.Tensor;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import javax.imageio.ImageIO;

/** A picture of a batch as the network sees it: one row a view, one column an image. */
record ViewGrid(int height, int width, byte[] png) {
    private static final int COLUMNS = 8;
    private static final int CHANNELS = 3;
    private static final int GAP = 2;

    /** @param pixels {@code [views * B, H, W, 3]}, normalised */
    static ViewGrid of(Tensor pixels, int views, Normalization normalization) {
        int batch = pixels.shape().at(0) / views;
        int columns = Math.min(COLUMNS, batch);
        int h = pixels.shape().at(1);
        int w = pixels.shape().at(2);
        BufferedImage grid = new BufferedImage(
                columns * (w + GAP) - GAP, views * (h + GAP) - GAP, BufferedImage.TYPE_INT_RGB);
        int image = h * w * CHANNELS;
        int[] rgb = new int[h * w];
        for (int view = 0; view < views; view++) {
            for (int column = 0; column < columns; column++) {
                float[] values = pixels.toFloats(((long) view * batch + column) * image, image);
                for (int i = 0; i < rgb.length; i++) {
                    rgb[i] = channel(values, i, 0, normalization) << 16
                            | channel(values, i, 1, normalization) << 8
                            | channel(values, i, 2, normalization);
                }
                grid.setRGB(column * (w + GAP), view * (h + GAP), w, h, rgb, 0, w);
            }
        }
        ByteArrayOutputStream png = new ByteArrayOutputStream();
        try {
            ImageIO.write(grid, "png", png);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new ViewGrid(grid.getHeight(), grid.getWidth(), png.toByteArray());
    }

    private static int channel(float[] values, int pixel, int channel, Normalization normalization) {
        double value = values[pixel * CHANNELS + channel] * normalization.std().get(channel)
                + normalization.mean().get(channel);
        return (int) Math.clamp(Math.round(255 * value), 0, 255);
    }
}
