package io.culvert.device.cuda;

import io.culvert.profile.DeviceTimeline;
import io.culvert.profile.DeviceTimer;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Times what CUPTI records of each kernel, copy and fill. The host's calls bear the number of the mark before them, by which
 * the records find their interval. Recording is on in timed steps alone, so that the others show what it costs.
 */
final class CuptiTimer implements CudaTimer {
    private final CudaStream stream;
    private final Cupti cupti;
    private final NvtxRanges ranges = new NvtxRanges();
    private final int computing;
    private long[] times = new long[1 << 12];
    private int marks;
    private long first;
    private boolean open;
    private List<DeviceTimer.Work> work = List.of();
    private DeviceTimeline timeline;
    private long records;
    private long untied;
    private long lost;
    private int steps;

    CuptiTimer(CudaStream stream, Cupti cupti) {
        this.stream = stream;
        this.cupti = cupti;
        computing = cupti.number(stream);
    }

    @Override
    public void begin() {
        stream.synchronize();
        cupti.start();
        first += marks + 1;
        marks = 0;
        open = true;
        times[0] = cupti.now();
        cupti.push(first);
    }

    @Override
    public void enter(String name) {
        ranges.push(name);
    }

    @Override
    public void mark() {
        ranges.pop();
        cupti.pop();
        if (++marks == times.length) {
            times = Arrays.copyOf(times, 2 * marks);
        }
        times[marks] = cupti.now();
        cupti.push(first + marks);
    }

    @Override
    public void read(long[] nanos, int from, int count) {
        // All streams: the library hands out no buffer in which something is not complete.
        Driver.ctxSynchronize();
        CuptiRecords read = stop();
        work = read.work(times[0], first, count);
        long[] hosts = new long[count];
        Arrays.setAll(hosts, i -> times[i + 1] - times[0]);
        timeline = new DeviceTimeline(hosts, work, computing);
        for (int i = 0; i < count; i++) {
            nanos[from + i] = timeline.nanos(i);
        }
        records += work.size();
        untied += work.stream().filter(part -> part.interval() < 0).count();
        lost += read.lost();
        steps++;
    }

    private CuptiRecords stop() {
        open = false;
        cupti.pop();
        return cupti.stop();
    }

    @Override
    public long idle(int interval) {
        return timeline.idle(interval);
    }

    @Override
    public List<Work> work() {
        return work;
    }

    @Override
    public String source() {
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT, "by CUPTI's records of %d kernels, copies and fills a step", records / Math.max(1, steps)));
        if (untied > 0) {
            text.append(String.format(Locale.ROOT, ", %d of %d with no operation that is known%s", untied, records,
                    2 * untied > records ? ": what single operations took means nothing" : ""));
        }
        if (lost > 0) {
            text.append(String.format(Locale.ROOT, "; %d have no times and count as waiting", lost));
        }
        return text.toString();
    }

    @Override
    public void close() {
        try (ranges;
                cupti) {
            if (open) {
                stop();
            }
        }
    }
}
