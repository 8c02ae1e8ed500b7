package io.culvert.device.cpu;

import java.lang.foreign.MemorySegment;

/** A oneDNN memory object: a descriptor that can be pointed at any data of its layout. */
public final class DnnlMemory {
    private final MemorySegment handle;
    private long address;

    DnnlMemory(MemorySegment handle) {
        this.handle = handle;
    }

    MemorySegment handle() {
        return handle;
    }

    void pointAt(MemorySegment data) {
        pointAt(data.address());
    }

    void pointAt(long data) {
        if (data != address) {
            DnnlCalls.setData(handle, data);
            address = data;
        }
    }
}
