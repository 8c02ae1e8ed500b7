package io.culvert.device.cuda;

import io.culvert.bindings.load.NativeLibrary;
import io.culvert.bindings.nvtx.nvtx_h;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/** Ranges of the calling thread that NVIDIA's profilers show; nothing where NVTX is not installed. */
final class NvtxRanges implements AutoCloseable {
    private final boolean installed = NativeLibrary.NVTX.tryOpen();
    private final Arena texts = Arena.ofShared();
    private final Map<String, MemorySegment> names = new HashMap<>();
    private int open;

    /** Begins a range inside those that are open; of a name that was here before it creates nothing. */
    void push(String name) {
        if (installed) {
            MemorySegment text = names.get(name);
            if (text == null) {
                text = texts.allocateFrom(name);
                names.put(name, text);
            }
            nvtx_h.nvtxRangePushA(text);
            open++;
        }
    }

    /** Ends the innermost range, if one is open. */
    void pop() {
        if (open > 0) {
            nvtx_h.nvtxRangePop();
            open--;
        }
    }

    @Override
    public void close() {
        texts.close();
    }
}
