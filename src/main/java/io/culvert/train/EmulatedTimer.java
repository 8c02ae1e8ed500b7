package io.culvert.train;

import io.culvert.device.cuda.CudaTimer;
import io.culvert.emulator.Emulator;
import io.culvert.profile.DeviceTimer;
import java.util.List;

/** A timer of the emulated GPU, which counts beside its time what kernels do. */
final class EmulatedTimer implements DeviceTimer {
    private final CudaTimer timer;
    private final Emulator emulator = Emulator.install();

    EmulatedTimer(CudaTimer timer) {
        this.timer = timer;
    }

    @Override
    public void begin() {
        timer.begin();
    }

    @Override
    public void enter(String name) {
        timer.enter(name);
    }

    @Override
    public void mark() {
        timer.mark();
    }

    @Override
    public void read(long[] nanos, int from, int count) {
        timer.read(nanos, from, count);
    }

    @Override
    public List<String> counted() {
        return Emulator.counted();
    }

    @Override
    public long[] counts(int interval) {
        long[] before = emulator.counts(timer.event(interval));
        long[] after = emulator.counts(timer.event(interval + 1));
        for (int i = 0; i < after.length; i++) {
            after[i] -= before[i];
        }
        return after;
    }
}
