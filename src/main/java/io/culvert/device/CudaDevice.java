package io.culvert.device;

import io.culvert.device.cuda.CudaContext;
import io.culvert.ranks.Launch;

/** An NVIDIA GPU: cuDNN for convolutions, cuBLASLt for matrix products, our own PTX kernels for the rest. */
public final class CudaDevice implements Device {
    private final CudaContext context;
    private final Precision precision;
    private final CudaGroup group;

    private CudaDevice(CudaContext context, Precision precision, CudaGroup group) {
        this.context = context;
        this.precision = precision;
        this.group = group;
    }

    /**
     * Opens the GPU for the calling thread, which must also run every step.
     *
     * @param ordinal 0 for the first one that the driver shows
     */
    public static CudaDevice open(int ordinal, Precision precision) {
        return open(ordinal, precision, Launch.ALONE, "");
    }

    /**
     * As the other, as one of several processes with a GPU each; waits for the others.
     *
     * @param same what all must agree in, line by line
     */
    public static CudaDevice open(int ordinal, Precision precision, Launch launch, String same) {
        CudaContext context = CudaContext.open(ordinal, precision == Precision.TF32);
        try {
            return new CudaDevice(context, precision, CudaGroup.meet(launch, same, context));
        } catch (RuntimeException | Error e) {
            context.close();
            throw e;
        }
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
    public Runnable repeated(String name, Runnable work) {
        return context.repeated(name, work);
    }

    @Override
    public CudaGroup group() {
        return group;
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
        try {
            context.dropGraphs();
            group.close();
        } finally {
            context.close();
        }
    }
}
