package io.culvert.device.cpu;

import io.culvert.bindings.dnnl.dnnl_h;
import java.lang.foreign.MemorySegment;

/** A oneDNN primitive with its arguments laid out once; executing it creates nothing. */
public final class DnnlPrimitive {
    private final OneDnn dnn;
    private final MemorySegment handle;
    private final MemorySegment arguments;
    private final int count;

    DnnlPrimitive(OneDnn dnn, MemorySegment handle, MemorySegment arguments, int count) {
        this.dnn = dnn;
        this.handle = handle;
        this.arguments = arguments;
        this.count = count;
    }

    void execute() {
        OneDnn.check(dnnl_h.dnnl_primitive_execute(handle, dnn.stream(), count, arguments), "dnnl_primitive_execute");
        OneDnn.check(dnnl_h.dnnl_stream_wait(dnn.stream()), "dnnl_stream_wait");
    }
}
