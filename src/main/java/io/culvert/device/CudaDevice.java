package io.culvert.device;

import io.culvert.device.cuda.CudaContext;

/** An NVIDIA GPU: cuDNN for convolutions, cuBLASLt for matrix products, our own PTX kernels for the rest. */
public final class CudaDevice implements Device {
    private final CudaContext context;

    private final Precision precision;

    private CudaDevice(CudaContext context, Precision precision) {
        this.context = context;
        this.precision = precision;
    }

    /**
     * Opens the GPU for the calling thread, which must also run every step.
     *
     * @param ordinal 0 for the first one that the driver shows
     */
    public static CudaDevice open(int ordinal, Precision precision) {
        return new CudaDevice(CudaContext.open(ordinal, precision == Precision.TF32), precision);
    }

    public CudaContext context() {
        return context;
    }

    @Override
    public Buffer allocate(String purpose, long bytes) {
        return new CudaBuffer(purpose, context.allocate(purpose, bytes), bytes, context.stream());
    }

    @Override
    public void free(Buffer buffer) {
        context.free(buffer.address());
    }

    @Override
    public long freeBytes() {
        return context.freeBytes();
    }

    @Override
    public boolean readsHostMemory() {
        return false;
    }

    @Override
    public Runnable repeated(Runnable work) {
        return context.repeated(work);
    }

    @Override
    public CudaGroup group() {
        return CudaGroup.ALONE;
    }

    @Override
    public Precision precision() {
        return precision;
    }

    @Override
    public String describe() {
        return context.describe() + ", " + precision.word();
    }

    @Override
    public void close() {
        context.close();
    }
}
