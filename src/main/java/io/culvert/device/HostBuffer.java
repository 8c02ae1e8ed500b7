package io.culvert.device;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Memory of the processor: what the loader fills, oneDNN computes on and a checkpoint writes are the same bytes. */
final class HostBuffer extends Buffer {
    private final MemorySegment segment;

    HostBuffer(String purpose, MemorySegment segment) {
        super(purpose, segment.byteSize());
        this.segment = segment;
    }

    @Override
    public long address() {
        return segment.address();
    }

    @Override
    public MemorySegment memory() {
        return segment;
    }

    @Override
    public boolean onHost() {
        return true;
    }

    @Override
    public void write(long offset, MemorySegment from) {
        MemorySegment.copy(from, 0, segment, offset, from.byteSize());
    }

    @Override
    public void read(long offset, MemorySegment to) {
        MemorySegment.copy(segment, offset, to, 0, to.byteSize());
    }

    @Override
    public float readFloat(long offset) {
        return segment.get(ValueLayout.JAVA_FLOAT, offset);
    }

    @Override
    public void clear() {
        segment.fill((byte) 0);
    }
}
