package io.culvert.data;

/** The images of one step, lent by a {@link ViewLoader} until {@link ViewLoader#release}. The loader reuses the object. */
public abstract sealed class Batch permits ViewBatch, PictureBatch {
    private final int[] sampleIndices;
    private int epoch;
    private int step;
    private int count;

    Batch(int batchSize) {
        this.sampleIndices = new int[batchSize];
        this.count = batchSize;
    }

    final void open(int newEpoch, int newStep, int[] order, int first, int newCount) {
        epoch = newEpoch;
        step = newStep;
        count = newCount;
        System.arraycopy(order, first, sampleIndices, 0, newCount);
        opened();
    }

    /** Forgets what was in it, before its first image comes. */
    abstract void opened();

    /** The indices in the data set; only the first {@link #count} of them count. */
    public final int[] sampleIndices() {
        return sampleIndices;
    }

    /** Images in this batch: the batch size, or fewer in an epoch's last batch. */
    public final int count() {
        return count;
    }

    public final int epoch() {
        return epoch;
    }

    /** The batch's place in its epoch, from 0. */
    public final int step() {
        return step;
    }
}
