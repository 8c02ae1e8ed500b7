package io.culvert.device;

/** GPUs. */
public final class CudaGroup extends Group {
    static final CudaGroup ALONE = new CudaGroup();

    private CudaGroup() {
        super(null);
    }

    @Override
    public void startAverage(Buffer buffer, long offset, long bytes) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void finish() {
        throw new UnsupportedOperationException();
    }
}
