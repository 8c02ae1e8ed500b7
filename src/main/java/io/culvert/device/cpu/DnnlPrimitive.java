package io.culvert.device.cpu;

import io.culvert.bindings.dnnl.dnnl_h;
import java.lang.foreign.MemorySegment;

/** A oneDNN primitive with its arguments laid out once; executing it creates nothing. */
public final class DnnlPrimitive {
    private final MemorySegment stream;
    private final MemorySegment handle;
    private final MemorySegment arguments;
    private final int count;

    DnnlPrimitive(MemorySegment stream, MemorySegment handle, MemorySegment arguments, int count) {
        this.stream = stream;
        this.handle = handle;
        this.arguments = arguments;
        this.count = count;
    }

    void execute() {
        OneDnn.check(dnnl_h.dnnl_primitive_execute(handle, stream, count, arguments), "dnnl_primitive_execute");
        OneDnn.check(dnnl_h.dnnl_stream_wait(stream), "dnnl_stream_wait");
    }
}
