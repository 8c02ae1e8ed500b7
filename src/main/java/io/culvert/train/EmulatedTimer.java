package io.culvert.train;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaMarks;
import io.culvert.emulator.Emulator;
import io.culvert.profile.DeviceTimer;
import java.util.List;

/** A timer of the emulated GPU, which counts beside its time what kernels do. */
final class EmulatedTimer implements DeviceTimer {
    private final DeviceTimer timer;
    private final CudaMarks marks;
    private final Emulator emulator = Emulator.install();

    EmulatedTimer(CudaContext cuda) {
        timer = cuda.timer();
        marks = cuda.marks();
    }

    @Override
    public void begin() {
        timer.begin();
        marks.begin();
    }

    @Override
    public void enter(String name) {
        timer.enter(name);
    }

    @Override
    public void mark() {
        marks.mark();
        timer.mark();
    }

    @Override
    public void read(long[] nanos, int from, int count) {
        marks.await(count);
        timer.read(nanos, from, count);
    }

    @Override
    public long idle(int interval) {
        return timer.idle(interval);
    }

    @Override
    public List<Work> work() {
        return timer.work();
    }

    @Override
    public String source() {
        return timer.source();
    }

    @Override
    public List<String> counted() {
        return Emulator.counted();
    }

    @Override
    public long[] counts(int interval) {
        long[] before = emulator.counts(marks.event(interval));
        long[] after = emulator.counts(marks.event(interval + 1));
        for (int i = 0; i < after.length; i++) {
            after[i] -= before[i];
        }
        return after;
    }
}
