package io.culvert.data.augment;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * An RGB image as three float planes of {@code height * width} values, 0..1 unless a transform says otherwise.
 *
 * <p>Planes, because every colour transform mixes the channels of one pixel and so runs eight pixels at a time. The
 * buffers grow to the largest image seen and stay: one instance serves a loader thread for its whole life.
 */
public final class FloatImage {
    private static final int CHANNELS = 3;

    private final float[][] planes = new float[CHANNELS][0];
    private float[] row = new float[0];
    private int height;
    private int width;

    public int height() {
        return height;
    }

    public int width() {
        return width;
    }

    /** Number of pixels, {@code height * width}. */
    public int pixels() {
        return height * width;
    }

    /** The plane of channel 0 (red), 1 (green) or 2 (blue); only the first {@link #pixels()} values count. */
    public float[] plane(int channel) {
        return planes[channel];
    }

    float[] red() {
        return planes[0];
    }

    float[] green() {
        return planes[1];
    }

    float[] blue() {
        return planes[2];
    }

    /** Sets the size; the contents are undefined until they are written. */
    void reshape(int newHeight, int newWidth) {
        height = newHeight;
        width = newWidth;
        int pixels = Math.multiplyExact(newHeight, newWidth);
        if (planes[0].length < pixels) {
            for (int c = 0; c < CHANNELS; c++) {
                planes[c] = new float[pixels];
            }
        }
    }

    /** Reads an image of bytes {@code [height, width, 3]}, scaled to 0..1. */
    public void setBytes(MemorySegment bytes, int newHeight, int newWidth) {
        reshape(newHeight, newWidth);
        int pixels = pixels();
        for (int c = 0; c < CHANNELS; c++) {
            float[] plane = planes[c];
            for (int i = 0; i < pixels; i++) {
                plane[i] = (bytes.get(ValueLayout.JAVA_BYTE, 3L * i + c) & 0xFF) / 255f;
            }
        }
    }

    /**
     * Writes {@code (x - mean) / std} per channel as interleaved floats {@code [height, width, 3]}.
     *
     * @param mirror write every row from right to left: a horizontal flip at no cost
     */
    public void writeInterleaved(MemorySegment out, float[] mean, float[] std, boolean mirror) {
        int rowLength = CHANNELS * width;
        if (row.length < rowLength) {
            row = new float[rowLength];
        }
        int first = mirror ? rowLength - CHANNELS : 0;
        int step = mirror ? -CHANNELS : CHANNELS;
        for (int y = 0; y < height; y++) {
            for (int c = 0; c < CHANNELS; c++) {
                interleave(planes[c], y * width, first + c, step, mean[c], 1f / std[c]);
            }
            MemorySegment.copy(row, 0, out, ValueLayout.JAVA_FLOAT, 4L * y * rowLength, rowLength);
        }
    }

    private void interleave(float[] plane, int from, int first, int step, float mean, float inverseStd) {
        int to = first;
        for (int x = 0; x < width; x++) {
            row[to] = (plane[from + x] - mean) * inverseStd;
            to += step;
        }
    }

    /** The values as a new array {@code [3, height, width]}. */
    public float[] toPlanar() {
        int pixels = pixels();
        float[] values = new float[CHANNELS * pixels];
        for (int c = 0; c < CHANNELS; c++) {
            System.arraycopy(planes[c], 0, values, c * pixels, pixels);
        }
        return values;
    }
}
