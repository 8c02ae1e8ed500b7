package io.culvert.device.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;

import io.culvert.bindings.cupti.CUpti_Activity;
import io.culvert.bindings.cupti.CUpti_ActivityExternalCorrelation;
import io.culvert.bindings.cupti.CUpti_ActivityKernel10;
import io.culvert.bindings.cupti.CUpti_ActivityMemcpy6;
import io.culvert.bindings.cupti.CUpti_ActivityMemset4;
import io.culvert.bindings.cupti.cupti_h;
import io.culvert.profile.DeviceTimer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What the GPU did between a start and a stop of CUPTI's recording. */
final class CuptiRecords {
    private static final long LONGEST_NAME = 1L << 16;

    private record Activity(String name, int stream, int call, long start, long end) {}

    private final List<Activity> activities = new ArrayList<>();
    private final Map<Integer, Long> ids = new HashMap<>();
    private long lost;

    /** Takes what is in a buffer, which may be used again afterwards. */
    void read(MemorySegment buffer) {
        if (buffer.byteSize() == 0) {
            return;
        }
        try (Arena call = Arena.ofConfined()) {
            MemorySegment record = call.allocate(ADDRESS);
            int result = cupti_h.cuptiActivityGetNextRecord(buffer, buffer.byteSize(), record);
            while (result == cupti_h.CUPTI_SUCCESS()) {
                add(buffer.asSlice(record.get(ADDRESS, 0).address() - buffer.address()));
                result = cupti_h.cuptiActivityGetNextRecord(buffer, buffer.byteSize(), record);
            }
            if (result == cupti_h.CUPTI_ERROR_INVALID_KIND()) {
                lost++; // it was still being written, and is the buffer's last
            } else if (result != cupti_h.CUPTI_ERROR_MAX_LIMIT_REACHED()) {
                Cupti.check(result, "cuptiActivityGetNextRecord");
            }
        }
    }

    private void add(MemorySegment record) {
        int kind = CUpti_Activity.kind(record);
        if (kind == cupti_h.CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL()) {
            add(
                    name(CUpti_ActivityKernel10.name(record)),
                    CUpti_ActivityKernel10.streamId(record), CUpti_ActivityKernel10.correlationId(record),
                    CUpti_ActivityKernel10.start(record), CUpti_ActivityKernel10.end(record));
        } else if (kind == cupti_h.CUPTI_ACTIVITY_KIND_MEMCPY()) {
            add(
                    copy(CUpti_ActivityMemcpy6.copyKind(record)), CUpti_ActivityMemcpy6.streamId(record),
                    CUpti_ActivityMemcpy6.correlationId(record), CUpti_ActivityMemcpy6.start(record),
                    CUpti_ActivityMemcpy6.end(record));
        } else if (kind == cupti_h.CUPTI_ACTIVITY_KIND_MEMSET()) {
            add(
                    "fill", CUpti_ActivityMemset4.streamId(record), CUpti_ActivityMemset4.correlationId(record),
                    CUpti_ActivityMemset4.start(record), CUpti_ActivityMemset4.end(record));
        } else if (kind == cupti_h.CUPTI_ACTIVITY_KIND_EXTERNAL_CORRELATION()
                && CUpti_ActivityExternalCorrelation.externalKind(record)
                        == cupti_h.CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM0()) {
            ids.put(
                    CUpti_ActivityExternalCorrelation.correlationId(record),
                    CUpti_ActivityExternalCorrelation.externalId(record));
        }
    }

    /** A record without times is one of which the device could not note them. */
    private void add(String name, int stream, int call, long start, long end) {
        if (start == 0 && end == 0) {
            lost++;
        } else {
            activities.add(new Activity(name, stream, call, start, end));
        }
    }

    private static String name(MemorySegment text) {
        return text.address() == 0 ? "kernel without a name" : text.reinterpret(LONGEST_NAME).getString(0);
    }

    private static String copy(byte kind) {
        if (kind == cupti_h.CUPTI_ACTIVITY_MEMCPY_KIND_HTOD()) {
            return "copy from host";
        } else if (kind == cupti_h.CUPTI_ACTIVITY_MEMCPY_KIND_DTOH()) {
            return "copy to host";
        }
        return kind == cupti_h.CUPTI_ACTIVITY_MEMCPY_KIND_DTOD() ? "copy on the device" : "copy of kind " + kind;
    }

    /** Counts records that the library says it dropped. */
    void lose(long records) {
        lost += records;
    }

    /** How much was done of which no times are known. */
    long lost() {
        return lost;
    }

    /**
     * What was done, in the order in which it began.
     *
     * @param origin when mark 0 was made
     * @param first the id that was pushed at mark 0; each mark after it pushed the next
     * @param intervals between marks
     */
    List<DeviceTimer.Work> work(long origin, long first, int intervals) {
        return activities.stream()
                .map(activity -> {
                    long interval = ids.getOrDefault(activity.call, Long.MIN_VALUE) - first;
                    return new DeviceTimer.Work(
                            activity.name, interval >= 0 && interval < intervals ? (int) interval : -1, activity.stream,
                            activity.start - origin, activity.end - origin);
                })
                .sorted(Comparator.comparingLong(DeviceTimer.Work::begin))
                .toList();
    }
}
