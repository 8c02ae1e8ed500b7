package io.culvert.device;

import java.lang.foreign.MemorySegment;

/**
 * A block of device memory with a purpose. On the CPU the segment is host memory; its bytes are the same that the
 * loader fills, oneDNN computes on and a checkpoint writes.
 */
public final class Buffer {
    private final String purpose;
    private final MemorySegment segment;

    Buffer(String purpose, MemorySegment segment) {
        this.purpose = purpose;
        this.segment = segment;
    }

    public String purpose() {
        return purpose;
    }

    public long bytes() {
        return segment.byteSize();
    }

    /** All of it. */
    public MemorySegment memory() {
        return segment;
    }

    public MemorySegment slice(long offset, long bytes) {
        return segment.asSlice(offset, bytes);
    }
}
