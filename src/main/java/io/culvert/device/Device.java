package io.culvert.device;

/**
 * Where tensors live and operations run. Operations choose their kernel by an exhaustive {@code switch} over the
 * permitted types, so a device that lacks one does not compile.
 */
public sealed interface Device extends AutoCloseable permits CpuDevice, CudaDevice {
    /** Zero-filled memory for {@code purpose}; a failure says what was asked for and what the device has. */
    Buffer allocate(String purpose, long bytes);

    void free(Buffer buffer);

    /** Whether kernels read a batch where the loader left it; if not, it is copied to memory of the device. */
    boolean readsHostMemory();

    /** How exactly it computes. */
    Precision precision();

    /** One line for reports: what the device is, and the version of the library that computes on it. */
    String describe();

    @Override
    void close();
}
