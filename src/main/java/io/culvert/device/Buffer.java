package io.culvert.device;

import java.lang.foreign.MemorySegment;

/** A block of a device's memory with a purpose. Host code moves bytes in and out; only kernels know addresses. */
public abstract sealed class Buffer permits HostBuffer, CudaBuffer {
    private final String purpose;
    private final long bytes;

    Buffer(String purpose, long bytes) {
        this.purpose = purpose;
        this.bytes = bytes;
    }

    public final String purpose() {
        return purpose;
    }

    public final long bytes() {
        return bytes;
    }

    /** Where it begins, in the address space of its device. */
    public abstract long address();

    /**
     * All of it as host memory: the same bytes that kernels compute on.
     *
     * @throws IllegalStateException if the host cannot address it
     */
    public abstract MemorySegment memory();

    /** Part of it as host memory. */
    public final MemorySegment slice(long offset, long length) {
        return memory().asSlice(offset, length);
    }

    /** Whether the host can address it. */
    public abstract boolean onHost();

    /** Copies host bytes to {@code offset}, after all work that was given to the device before. */
    public abstract void write(long offset, MemorySegment from);

    /** Copies bytes from {@code offset} to the host, after all work that was given to the device before. */
    public abstract void read(long offset, MemorySegment to);

    /** The float at {@code offset}, after all work that was given to the device before; creates nothing. */
    public abstract float readFloat(long offset);

    /** Sets every byte to zero, in order with the work given to the device. */
    public abstract void clear();
}
