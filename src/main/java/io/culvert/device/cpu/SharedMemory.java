package io.culvert.device.cpu;

import java.lang.foreign.MemorySegment;

/** Memory that those who need some for a moment use in turns, as large as the one who wants most asked for. */
public final class SharedMemory {
    private MemorySegment memory;

    SharedMemory() {}

    /** Makes sure of so much room: before any step, for the memory may move. */
    public void reserve(long bytes) {
        if (memory == null || memory.byteSize() < bytes) {
            unmap();
            memory = HostMemory.map(bytes);
        }
    }

    /** What lies in it is whatever the last one left. */
    public MemorySegment memory() {
        return memory;
    }

    void unmap() {
        if (memory != null) {
            HostMemory.unmap(memory);
        }
    }
}
