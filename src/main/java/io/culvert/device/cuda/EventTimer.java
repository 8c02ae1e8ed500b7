package io.culvert.device.cuda;

/** Times what lies between events in the compute stream: kernels, and waits for the host to queue them. */
final class EventTimer implements CudaTimer {
    private final CudaStream stream;
    private final String whyNotCupti;
    private final NvtxRanges ranges = new NvtxRanges();
    private final CudaMarks marks;

    EventTimer(CudaStream stream, String whyNotCupti) {
        this.stream = stream;
        this.whyNotCupti = whyNotCupti;
        marks = new CudaMarks(stream);
    }

    @Override
    public void begin() {
        stream.synchronize();
        marks.begin();
    }

    @Override
    public void enter(String name) {
        ranges.push(name);
    }

    @Override
    public void mark() {
        ranges.pop();
        marks.mark();
    }

    @Override
    public void read(long[] nanos, int from, int count) {
        marks.await(count);
        for (int i = 0; i < count; i++) {
            nanos[from + i] = marks.nanos(i);
        }
    }

    @Override
    public String source() {
        return "by events between operations (CUPTI not usable: " + whyNotCupti + ")";
    }

    @Override
    public void close() {
        marks.close();
        ranges.close();
    }
}
