package io.culvert.device.cpu;

import io.culvert.bindings.dnnl.dnnl_h;
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
            OneDnn.check(
                    dnnl_h.dnnl_memory_set_data_handle(handle, MemorySegment.ofAddress(data)),
                    "dnnl_memory_set_data_handle");
            address = data;
        }
    }
}
