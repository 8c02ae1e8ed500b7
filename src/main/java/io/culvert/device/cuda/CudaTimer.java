package io.culvert.device.cuda;

import io.culvert.bindings.load.NativeLibrary;
import io.culvert.bindings.nvtx.nvtx_h;
import io.culvert.profile.DeviceTimer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Marks the compute stream by events and, where NVTX is installed, shows operations as ranges to NVIDIA's profilers. */
public final class CudaTimer implements DeviceTimer {
    private final CudaStream stream;
    private final boolean ranges = NativeLibrary.NVTX.tryOpen();
    private final Arena texts = Arena.ofShared();
    private final Map<String, MemorySegment> names = new HashMap<>();
    private final List<CudaEvent> events = new ArrayList<>();
    private int marks;
    private boolean entered;

    CudaTimer(CudaStream stream) {
        this.stream = stream;
    }

    @Override
    public void begin() {
        stream.synchronize();
        marks = 0;
        mark();
    }

    @Override
    public void enter(String name) {
        if (ranges) {
            nvtx_h.nvtxRangePushA(names.computeIfAbsent(name, texts::allocateFrom));
            entered = true;
        }
    }

    @Override
    public void mark() {
        if (entered) {
            nvtx_h.nvtxRangePop();
            entered = false;
        }
        if (marks == events.size()) {
            events.add(CudaEvent.timing());
        }
        events.get(marks++).record(stream);
    }

    @Override
    public void read(long[] nanos, int from, int count) {
        events.get(count).synchronize();
        for (int i = 0; i < count; i++) {
            nanos[from + i] = Math.round(1e6 * events.get(i).millisTo(events.get(i + 1)));
        }
    }

    /** The event of a mark, by which an emulated device knows it. */
    public MemorySegment event(int mark) {
        return events.get(mark).handle();
    }

    void close() {
        events.forEach(CudaEvent::close);
        texts.close();
    }
}
