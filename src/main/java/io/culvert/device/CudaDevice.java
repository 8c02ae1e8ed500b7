package io.culvert.device;

import io.culvert.device.cuda.CudaContext;

/** An NVIDIA GPU: cuDNN for convolutions, cuBLASLt for matrix products, our own PTX kernels for the rest. */
public final class CudaDevice implements Device {
    private final CudaContext context;

    private CudaDevice(CudaContext context) {
        this.context = context;
    }

    /**
     * Opens the GPU for the calling thread, which must also run every step.
     *
     * @param ordinal 0 for the first one that the driver shows
     */
    public static CudaDevice open(int ordinal) {
        return new CudaDevice(CudaContext.open(ordinal));
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
    public boolean readsHostMemory() {
        return false;
    }

    @Override
    public String describe() {
        return context.describe();
    }

    @Override
    public void close() {
        context.close();
    }
}
