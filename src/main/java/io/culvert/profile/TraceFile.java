package io.culvert.profile;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * A recording in the Trace Event Format, which Perfetto and chrome://tracing read: pairs of B and E events in microseconds, one
 * lane a thread, and the step's memory as counters.
 */
final class TraceFile implements AutoCloseable {
    private static final int TRAINER = 1;
    private static final int COLLECTOR = 2;
    private static final int DEVICE = 3;
    private static final int FIRST_LOADER = 10;
    /** Beyond all loaders. */
    private static final int FIRST_STREAM = 10_000;

    private final Recording recording;
    private final JsonGenerator json;
    private final long origin;

    private TraceFile(Recording recording, OutputStream out) throws IOException {
        this.recording = recording;
        json = new JsonFactory().createGenerator(out);
        origin = recording.clock().steps().getFirst().begin();
    }

    static void write(Recording recording, OutputStream out) throws IOException {
        try (TraceFile trace = new TraceFile(recording, out)) {
            trace.json.writeStartObject();
            trace.json.writeStringField("displayTimeUnit", "ms");
            trace.json.writeArrayFieldStart("traceEvents");
            trace.name("process_name", TRAINER, "culvert");
            trace.trainer();
            trace.device();
            trace.loaders();
            trace.collector();
            trace.json.writeEndArray();
            trace.json.writeEndObject();
        }
    }

    private void name(String what, int lane, String name) throws IOException {
        start("M", what, lane);
        json.writeObjectFieldStart("args");
        json.writeStringField("name", name);
        json.writeEndObject();
        json.writeEndObject();
    }

    private void start(String type, String name, int lane) throws IOException {
        json.writeStartObject();
        json.writeStringField("ph", type);
        json.writeStringField("name", name);
        json.writeNumberField("pid", 1);
        json.writeNumberField("tid", lane);
    }

    private void event(String type, String name, String category, int lane, long nanos) throws IOException {
        start(type, name, lane);
        json.writeStringField("cat", category);
        time(nanos);
        json.writeEndObject();
    }

    private void time(long nanos) throws IOException {
        json.writeFieldName("ts");
        json.writeNumber(String.format(Locale.ROOT, "%.3f", (nanos - origin) / 1e3));
    }

    private void span(String name, String category, int lane, long begin, long end) throws IOException {
        event("B", name, category, lane, begin);
        event("E", name, category, lane, end);
    }

    private void trainer() throws IOException {
        name("thread_name", TRAINER, "trainer");
        for (StepClock.Step step : recording.clock().steps()) {
            String name = "step " + step.number() + (step.timed() ? "" : " (not timed)");
            event("B", name, "step", TRAINER, step.begin());
            for (int i = step.from(); i < step.to(); i++) {
                lap(step, i);
            }
            event("E", name, "step", TRAINER, step.end());
        }
    }

    private void lap(StepClock.Step step, int i) throws IOException {
        StepClock clock = recording.clock();
        Subject subject = recording.subject();
        Subject.Lap lap = subject.lap(clock.kind(i));
        long begin = clock.start(step, i);
        if (lap.phase() != null) {
            if (clock.end(i) > begin) {
                span(lap.phase().label(), "host", TRAINER, begin, clock.end(i));
            }
            return;
        }
        OpFacts op = subject.ops().get(lap.op());
        counters(lap.place(), begin);
        span(op.layer() + " (" + op.kind() + ")", lap.isForward() ? "forward" : "backward", TRAINER, begin, clock.end(i));
    }

    /** What the device did when, by its own clock, which is set to the host's where a step begins. */
    private void device() throws IOException {
        StepClock clock = recording.clock();
        if (!clock.timesDevice()) {
            return;
        }
        name("thread_name", DEVICE, "device");
        for (StepClock.Step step : recording.timed()) {
            long now = step.begin();
            for (int i = step.from(); i < step.to(); i++) {
                Subject.Lap lap = recording.subject().lap(clock.kind(i));
                long end = now + clock.lasted(step, i);
                if (lap.phase() == null || lap.phase().isComputing()) {
                    String what = lap.phase() == null ? recording.subject().ops().get(lap.op()).layer() : lap.phase().label();
                    span(what, "device", DEVICE, now, end);
                }
                now = end;
            }
        }
        kernels();
    }

    /** What ran on the device, a lane for each of its streams. */
    private void kernels() throws IOException {
        Map<Integer, List<StepClock.Step>> streams = new TreeMap<>();
        recording.timed().forEach(step -> step.work().stream()
                .map(DeviceTimer.Work::stream)
                .distinct()
                .forEach(stream -> streams.computeIfAbsent(stream, key -> new ArrayList<>()).add(step)));
        int lane = FIRST_STREAM;
        for (Map.Entry<Integer, List<StepClock.Step>> stream : streams.entrySet()) {
            name("thread_name", lane, "device, stream " + stream.getKey());
            long free = origin;
            for (StepClock.Step step : stream.getValue()) {
                for (DeviceTimer.Work work : step.work()) {
                    if (work.stream() == stream.getKey()) {
                        // A kernel may begin while the one before it ends: a lane's spans must not overlap.
                        long begin = Math.max(free, step.begin() + work.begin());
                        free = Math.max(begin, step.begin() + work.end());
                        span(work.name(), "kernel", lane, begin, free);
                    }
                }
            }
            lane++;
        }
    }

    private void counters(int place, long nanos) throws IOException {
        MemoryFacts memory = recording.subject().memory();
        if (memory.blocks().isEmpty()) {
            return;
        }
        start("C", "memory of the step in MB", TRAINER);
        time(nanos);
        json.writeObjectFieldStart("args");
        for (Map.Entry<MemoryFacts.Category, Long> entry : memory.aliveAt(place).entrySet()) {
            json.writeNumberField(entry.getKey().name().toLowerCase(Locale.ROOT), entry.getValue() / 1e6);
        }
        json.writeEndObject();
        json.writeEndObject();
    }

    private void loaders() throws IOException {
        int lane = FIRST_LOADER;
        for (LoaderClock loader : recording.loaders()) {
            name("thread_name", lane, loader.thread().getName());
            for (LoaderClock.Span span : loader.spans()) {
                span(span.task().label(), "loader", lane, span.begin(), span.end());
            }
            lane++;
        }
    }

    private void collector() throws IOException {
        name("thread_name", COLLECTOR, "garbage collector");
        for (GcPauses.Pause pause : recording.pauses()) {
            if (pause.begin() >= origin) {
                span(pause.collector() + ": " + pause.cause(), "gc", COLLECTOR, pause.begin(), pause.end());
            }
        }
    }

    @Override
    public void close() throws IOException {
        json.close();
    }
}
