package io.culvert.device;

import io.culvert.device.cuda.CudaStream;
import java.lang.foreign.MemorySegment;

/** Memory of a GPU, which the host cannot address. */
final class CudaBuffer extends Buffer {
    private final CudaStream stream;
    private final long address;

    /** @param stream orders copies with the kernels */
    CudaBuffer(String purpose, long address, long bytes, CudaStream stream) {
        super(purpose, bytes);
        this.address = address;
        this.stream = stream;
    }

    @Override
    public long address() {
        return address;
    }

    @Override
    public MemorySegment memory() {
        throw new IllegalStateException(purpose() + " is in the GPU's memory: copy it with read or write");
    }

    @Override
    public boolean onHost() {
        return false;
    }

    @Override
    public void write(long offset, MemorySegment from) {
        check(offset, from.byteSize());
        stream.copyToDevice(address + offset, from);
    }

    @Override
    public void read(long offset, MemorySegment to) {
        check(offset, to.byteSize());
        stream.copyToHost(to, address + offset);
    }

    @Override
    public float readFloat(long offset) {
        check(offset, Float.BYTES);
        return stream.readFloat(address + offset);
    }

    @Override
    public void clear() {
        stream.zero(address, bytes());
    }

    private void check(long offset, long length) {
        if (offset < 0 || length > bytes() - offset) {
            throw new IndexOutOfBoundsException(
                    purpose() + ": bytes " + offset + " to " + (offset + length) + " of " + bytes());
        }
    }
}
