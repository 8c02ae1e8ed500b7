package io.culvert.device;

/**
 * Where tensors live and operations run. Operations choose their kernel by an exhaustive {@code switch} over the
 * permitted types, so a device that lacks one does not compile.
 */
public sealed interface Device extends AutoCloseable permits CpuDevice, CudaDevice {
    /** Zero-filled memory for {@code purpose}; a failure says what was asked for and what the device has. */
    Buffer allocate(String purpose, long bytes);

    void free(Buffer buffer);

    /** Bytes that can still be allocated; {@link Long#MAX_VALUE} where the operating system decides at first use. */
    long freeBytes();

    /** Whether kernels read a batch where the loader left it; if not, it is copied to memory of the device. */
    boolean readsHostMemory();

    /**
     * Work that queues the same kernels on the same addresses each time, made ready to be repeated: a GPU records it when
     * it has run a few times, and from then on repeats it by one call. It must not wait for the device.
     *
     * @param name of the range that NVIDIA's profilers show each repetition as
     */
    Runnable repeated(String name, Runnable work);

    /** Says that kernels are built: what only their building needed is given back. */
    default void built() {}

    /** The processes that train together with this one, each with a device of its own. */
    Group group();

    /** How exactly it computes. */
    Precision precision();

    /** One line for reports: what the device is, and the version of the library that computes on it. */
    String describe();

    @Override
    void close();
}
