package io.culvert.profile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The profile of a device of which a timer tells made-up times: two operations, a millisecond each in a step. */
class DeviceProfileTest {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final long MILLISECOND = 1_000_000;
    private static final long STEP = 4 * MILLISECOND;

    @TempDir
    Path folder;

    /** The first operation's kernels take 3/4 of its time, the second's 1/4; the rest the device is idle, if it tells. */
    private static final class MadeUpTimer implements DeviceTimer {
        final boolean knows;
        int marks;

        MadeUpTimer(boolean knows) {
            this.knows = knows;
        }

        @Override
        public void begin() {
            marks = 0;
        }

        @Override
        public void enter(String name) {}

        @Override
        public void mark() {
            marks++;
        }

        @Override
        public void read(long[] nanos, int from, int count) {
            assertThat(marks).as("marks of a step, one a lap").isEqualTo(count);
            for (int i = 0; i < count; i++) {
                nanos[from + i] = STEP / count;
            }
        }

        @Override
        public long idle(int interval) {
            return !knows ? UNKNOWN : interval == 0 ? MILLISECOND / 4 : 3 * MILLISECOND / 4;
        }

        @Override
        public List<Work> work() {
            return !knows
                    ? List.of()
                    : List.of(
                            new Work("gemm", 0, 7, 0, MILLISECOND / 2), new Work("bias", 0, 7, MILLISECOND / 2, 3 * MILLISECOND / 4),
                            new Work("copy", -1, 9, 0, MILLISECOND),
                            new Work("add", 1, 7, MILLISECOND, 5 * MILLISECOND / 4));
        }

        @Override
        public String source() {
            return "by a made-up clock";
        }
    }

    private String profile(DeviceTimer timer, Ceilings ceilings) {
        AtomicReference<String> text = new AtomicReference<>();
        // At the ceilings of the test the first needs half a millisecond for its arithmetic, the second a tenth for its bytes.
        List<OpFacts> ops = List.of(
                new OpFacts("Product", "large", 5_000_000, 1000, 0, 0), new OpFacts("Sum", "small", 1000, 100_000, 0, 0));
        Subject subject = new Subject(
                folder, ceilings, ops, new int[] {0, 1}, new int[0], new MemoryFacts(List.of(), List.of(), 0, 2), timer);
        try (Profiler profiler = Profiler.open(
                new Profiler.Settings(0, 2, false, folder), recording -> text.set(ProfileFiles.write(recording, 5)))) {
            StepClock clock = profiler.attach(subject);
            clock.begin();
            for (int step = 0; step < 6; step++) {
                clock.enterForward(0);
                clock.forward(0);
                clock.enterForward(1);
                clock.forward(1);
                clock.lap(Phase.OPTIMIZER);
                clock.endStep();
            }
        }
        return text.get();
    }

    private JsonNode line(String type, String key, String value) throws IOException {
        try (Stream<String> lines = Files.lines(folder.resolve("profile.jsonl"))) {
            for (String line : lines.toList()) {
                JsonNode node = MAPPER.readTree(line);
                if (node.get("type").asText().equals(type) && (key == null || node.path(key).asText().equals(value))) {
                    return node;
                }
            }
        }
        throw new AssertionError("no line of type " + type + " with " + key + " " + value);
    }

    @Test
    void whatTheDeviceDidIsTheOperationsAndTheRestIsWaiting() throws IOException {
        String text = profile(new MadeUpTimer(true), new Ceilings("a GPU", 1e10, 1e9, 5e-6, "a product, a copy"));

        assertThat(text)
                .contains("times are the device's, by a made-up clock; kernels were launched one by one")
                .contains("the machine gives 10 GFLOP/s and 1.0 GB/s, a launch takes the host 5.0 us (a product, a copy)");
        JsonNode large = line("op", "layer", "large");
        assertThat(large.get("seconds").asDouble()).isCloseTo(0.75e-3, within(1e-12));
        assertThat(large.get("of_roof").asDouble()).isCloseTo(0.5 / 0.75, within(1e-9));
        assertThat(large.get("bound").asText()).isEqualTo("compute");
        assertThat(large.get("kernels").toString()).isEqualTo("{\"bias\":2.5E-4,\"gemm\":5.0E-4}");
        JsonNode small = line("op", "layer", "small");
        assertThat(small.get("seconds").asDouble()).isCloseTo(0.25e-3, within(1e-12));
        assertThat(small.get("bound").asText()).isEqualTo("launch");
        // Of the optimiser's millisecond three quarters too; what the host does besides waits for nothing.
        assertThat(line("phase", "phase", "queue").get("seconds").asDouble()).isCloseTo(1.75e-3, within(1e-12));
        assertThat(line("profile", null, null).get("times_by").asText()).isEqualTo("by a made-up clock");
        assertThat(folder.resolve("roofline.svg")).content().contains("10 GFLOP/s");
    }

    @Test
    void theTraceHasALaneForEachStream() throws IOException {
        profile(new MadeUpTimer(true), new Ceilings("a GPU", 1e10, 1e9, 0, "a product, a copy"));
        JsonNode events = MAPPER.readTree(folder.resolve("trace.json").toFile()).get("traceEvents");
        assertThat(spans(events, lane(events, "device, stream 7"))).containsExactly("gemm", "bias", "add", "gemm", "bias", "add");
        assertThat(spans(events, lane(events, "device, stream 9"))).containsExactly("copy", "copy");
        assertThat(spans(events, lane(events, "device"))).startsWith("large", "small");
    }

    @Test
    void aTimerThatDoesNotKnowLeavesTheWaitToTheHostsClock() throws IOException {
        String text = profile(new MadeUpTimer(false), Ceilings.unmeasured("a GPU", "memory was short"));
        assertThat(text).contains("what the machine gives was not measured: memory was short");
        // The host was done long before the device.
        assertThat(line("op", "layer", "large").get("seconds").asDouble()).isBetween(0.9e-3, 1e-3);
        assertThat(line("op", "layer", "large").has("kernels")).isFalse();
        assertThat(folder.resolve("roofline.svg")).doesNotExist();
    }

    private static int lane(JsonNode events, String name) {
        for (JsonNode event : events) {
            if (event.path("args").path("name").asText().equals(name)) {
                return event.get("tid").asInt();
            }
        }
        throw new AssertionError("no lane " + name);
    }

    private static List<String> spans(JsonNode events, int lane) {
        return events.valueStream()
                .filter(event -> event.get("tid").asInt() == lane && event.get("ph").asText().equals("B"))
                .map(event -> event.get("name").asText())
                .toList();
    }
}
