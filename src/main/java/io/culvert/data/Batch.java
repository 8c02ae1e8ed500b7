package io.culvert.data;

import java.lang.foreign.MemorySegment;

/**
 * The views of one step, lent by a {@link ViewLoader} until {@link ViewLoader#release}. The loader reuses the object.
 */
public final class Batch {
    private static final long PIXEL_BYTES = 3L * Float.BYTES;

    private final MemorySegment buffer;
    private final int[] sampleIndices;
    private final int views;
    private final long viewBytes;
    private int epoch;
    private int step;
    private int count;
    private MemorySegment pixels;

    Batch(MemorySegment buffer, int batchSize, int views, int imageSize) {
        this.buffer = buffer;
        this.sampleIndices = new int[batchSize];
        this.views = views;
        this.viewBytes = viewBytes(imageSize);
        this.count = batchSize;
        this.pixels = buffer;
    }

    static long viewBytes(int imageSize) {
        return PIXEL_BYTES * imageSize * imageSize;
    }

    void open(int newEpoch, int newStep, int[] order, int first, int newCount) {
        epoch = newEpoch;
        step = newStep;
        if (count != newCount) {
            count = newCount;
            pixels = buffer.asSlice(0, views * newCount * viewBytes);
        }
        System.arraycopy(order, first, sampleIndices, 0, newCount);
    }

    MemorySegment view(int view, int position) {
        return buffer.asSlice(((long) view * count + position) * viewBytes, viewBytes);
    }

    /**
     * Floats {@code [views * count, H, W, 3]}, all of view 0 first: the image at position i of the batch is at i, at
     * count + i, and so on.
     */
    public MemorySegment pixels() {
        return pixels;
    }

    /** The indices in the data set; only the first {@link #count} of them count. */
    public int[] sampleIndices() {
        return sampleIndices;
    }

    /** Images in this batch: the batch size, or fewer in an epoch's last batch. */
    public int count() {
        return count;
    }

    public int epoch() {
        return epoch;
    }

    /** The batch's place in its epoch, from 0. */
    public int step() {
        return step;
    }
}
