package io.culvert.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.culvert.data.DefectCode;
import io.culvert.emulator.Emulator;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;
import picocli.CommandLine;

/** Isolated, because whichever training of the process begins next is the one that is profiled. */
@Isolated
class ProfileCommandTest {
    private static final int IMAGES = 20;
    private static final int EPOCHS = 4;
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @TempDir
    Path folder;

    @BeforeEach
    void writeData() throws IOException {
        SplittableRandom random = new SplittableRandom(1);
        String codes = Stream.of(DefectCode.values()).map(Enum::name).collect(Collectors.joining(","));
        StringBuilder csv = new StringBuilder("Filename,WaterLevel,VA," + codes + ",ND,Defect\n");
        for (int i = 0; i < IMAGES; i++) {
            BufferedImage image = new BufferedImage(40, 40, BufferedImage.TYPE_INT_RGB);
            for (int p = 0; p < 40 * 40; p++) {
                image.setRGB(p % 40, p / 40, random.nextInt(1 << 24));
            }
            String name = "%08d.png".formatted(i);
            ImageIO.write(image, "png", folder.resolve(name).toFile());
            csv.append(name).append(",0,0").append(",0".repeat(DefectCode.values().length)).append(",1,0\n");
        }
        Files.writeString(folder.resolve("images.csv"), csv);
        Files.writeString(
                folder.resolve("run.yaml"),
                """
                runs: %1$s/runs
                batch_size: 5
                data: {csv: %1$s/images.csv, images: %1$s, image_size: 32}
                model: {name: vit_tiny, patch: 8}
                method: {name: simclr, hidden: 32, dim: 16}
                schedule: {epochs: %2$d, warmup_epochs: 1}
                log: {every_steps: 1}
                """
                        .formatted(folder, EPOCHS));
    }

    private int culvert(String... args) {
        CommandLine commandLine = Main.commandLine();
        commandLine.setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
        return commandLine.execute(args);
    }

    private int profile(String name, String... options) {
        List<String> args = new ArrayList<>(List.of("profile"));
        args.addAll(List.of(options));
        args.addAll(List.of("--", "pretrain", "--config", folder.resolve("run.yaml").toString(), "name=" + name));
        return culvert(args.toArray(String[]::new));
    }

    private List<JsonNode> lines(Path file) throws IOException {
        List<JsonNode> lines = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
            lines.add(MAPPER.readTree(line));
        }
        return lines;
    }

    private List<JsonNode> profileLines(String run, String type) throws IOException {
        return lines(folder.resolve("runs/" + run + "/profile/profile.jsonl")).stream()
                .filter(line -> line.get("type").asText().equals(type))
                .toList();
    }

    private List<String> losses(String run) throws IOException {
        return lines(folder.resolve("runs/" + run + "/metrics.jsonl")).stream()
                .filter(line -> line.path("event").asText().equals("step"))
                .map(line -> line.get("step") + " " + line.get("loss"))
                .toList();
    }

    @Test
    void saysWhereTheTimeGoesAndChangesNothing() throws IOException {
        assertThat(profile("looked-at", "--warmup", "4", "--steps", "4")).as(err.toString()).isZero();
        assertThat(culvert("pretrain", "--config", folder.resolve("run.yaml").toString(), "name=plain")).isZero();

        assertThat(losses("looked-at")).hasSize(EPOCHS * IMAGES / 5).isEqualTo(losses("plain"));

        JsonNode head = profileLines("looked-at", "profile").getFirst();
        assertThat(head.get("timed_steps").asInt()).isEqualTo(4);
        assertThat(head.get("overhead_measured").asDouble()).isFinite();
        assertThat(head.get("machine_flops").asDouble()).isBetween(1e8, 1e14);
        assertThat(head.get("machine_bytes_per_second").asDouble()).isBetween(1e7, 1e13);
        double percent = Stream.of(profileLines("looked-at", "op"), profileLines("looked-at", "phase"))
                .flatMap(List::stream)
                .mapToDouble(line -> line.get("percent").asDouble())
                .sum();
        assertThat(percent).isCloseTo(100, within(1e-6));
        Map<String, JsonNode> ops = profileLines("looked-at", "op").stream()
                .collect(Collectors.toMap(line -> line.get("layer").asText() + " " + line.get("class").asText(), line -> line));
        assertThat(ops.keySet()).anyMatch(name -> name.startsWith("blocks.3.attn"));
        assertThat(ops.values()).allSatisfy(op -> assertThat(op.get("seconds").asDouble()).isPositive());
        assertThat(out.toString()).contains("without logging and checkpoints timed steps took", "bound by", "together", "A step needs most in");
        assertThat(out.toString().lines().filter(line -> line.strip().startsWith("together")).findFirst().orElseThrow())
                .endsWith("100.00");
        requireNested(MAPPER.readTree(folder.resolve("runs/looked-at/profile/trace.json").toFile()));
        assertThat(folder.resolve("runs/looked-at/profile/roofline.svg")).content().contains("GFLOP/s", "LinearOp");
        requireMemory();
    }

    /** The emulated GPU: times by CUPTI's records, and what its kernels did, exactly. */
    @Test
    void countsWhatKernelsDoOnTheEmulator() throws IOException {
        assumeTrue(Emulator.isBuilt(), "the emulator's libraries were not built");
        assertThat(culvert(
                        "profile", "--warmup", "0", "--steps", "1", "--stop", "--",
                        "pretrain", "--config", folder.resolve("run.yaml").toString(), "name=emulated", "device=emulator",
                        "batch_size=2", "data.image_size=16", "model.patch=16"))
                .as(err.toString())
                .isZero();
        JsonNode head = profileLines("emulated", "profile").getFirst();
        assertThat(head.get("times_of").asText()).isEqualTo("device");
        assertThat(head.get("times_by").asText()).matches("by CUPTI's records of [1-9]\\d* kernels, copies and fills a step");
        List<JsonNode> ops = profileLines("emulated", "op");
        double percent = Stream.of(ops, profileLines("emulated", "phase"))
                .flatMap(List::stream)
                .mapToDouble(line -> line.get("percent").asDouble())
                .sum();
        assertThat(percent).isCloseTo(100, within(1e-6));
        List<JsonNode> norms = ops.stream().filter(op -> op.get("class").asText().equals("LayerNormOp")).toList();
        assertThat(norms).hasSize(25).allSatisfy(norm -> assertThat(norm.get("launches").asLong())
                .as("forward, backward of x, backward of the parameters")
                .isEqualTo(norm.get("kernels").size())
                .isEqualTo(3));
        // The norms of all blocks see the same shape; the last one sees class tokens alone.
        assertThat(norms.stream()
                        .filter(norm -> norm.get("layer").asText().endsWith("norm1"))
                        .map(norm -> norm.get("global_sectors").asLong())
                        .distinct())
                .hasSize(1)
                .allMatch(sectors -> sectors > 0);
        JsonNode trace = MAPPER.readTree(folder.resolve("runs/emulated/profile/trace.json").toFile());
        requireNested(trace);
        assertThat(trace.get("traceEvents")).anySatisfy(event -> assertThat(event.path("args").path("name").asText())
                .isEqualTo("device"));
        assertThat(trace.get("traceEvents")).anySatisfy(event -> assertThat(event.path("cat").asText()).isEqualTo("kernel"));
        assertThat(out.toString()).contains("Counted, a step", "warp instructions");
    }

    /** What is alive adds up to no more than the slab, but for what rounds to 64 bytes. */
    private void requireMemory() throws IOException {
        long slab = profileLines("looked-at", "memory").stream()
                .filter(line -> line.get("purpose").asText().startsWith("activations"))
                .findFirst().orElseThrow().get("bytes").asLong();
        List<JsonNode> at = profileLines("looked-at", "memory_at");
        assertThat(at).hasSizeGreaterThan(20).allSatisfy(line -> assertThat(alive(line)).isBetween(1L, slab));
        JsonNode peak = at.stream().filter(line -> line.get("peak").asBoolean()).findFirst().orElseThrow();
        assertThat(profileLines("looked-at", "memory_at_peak").stream().mapToLong(line -> line.get("bytes").asLong()).sum())
                .isEqualTo(alive(peak))
                .isEqualTo(at.stream().mapToLong(ProfileCommandTest::alive).max().orElseThrow());
    }

    private static long alive(JsonNode line) {
        return line.get("activation").asLong() + line.get("gradient").asLong() + line.get("workspace").asLong();
    }

    /** In each lane every E closes the B before it, and time never goes back. */
    private static void requireNested(JsonNode trace) {
        Map<Integer, Deque<String>> open = new HashMap<>();
        Map<Integer, Double> now = new HashMap<>();
        int pairs = 0;
        int deepest = 0;
        for (JsonNode event : trace.get("traceEvents")) {
            String type = event.get("ph").asText();
            if (!type.equals("B") && !type.equals("E")) {
                continue;
            }
            int lane = event.get("tid").asInt();
            Deque<String> stack = open.computeIfAbsent(lane, key -> new ArrayDeque<>());
            double time = event.get("ts").asDouble();
            assertThat(time).isGreaterThanOrEqualTo(now.getOrDefault(lane, Double.NEGATIVE_INFINITY));
            now.put(lane, time);
            if (type.equals("B")) {
                stack.push(event.get("name").asText());
                deepest = Math.max(deepest, stack.size());
            } else {
                assertThat(stack.pop()).isEqualTo(event.get("name").asText());
                pairs++;
            }
        }
        assertThat(open.values()).allSatisfy(stack -> assertThat(stack).isEmpty());
        assertThat(pairs).isGreaterThan(100);
        assertThat(deepest).isEqualTo(2);
        assertThat(open.keySet()).as("the trainer's lane and a loader's").hasSizeGreaterThanOrEqualTo(2);
    }

    @Test
    void stopsWhenAskedTo() throws IOException {
        Path elsewhere = folder.resolve("elsewhere");
        assertThat(profile("stopped", "--warmup", "0", "--steps", "2", "--stop", "--out", elsewhere.toString()))
                .as(err.toString())
                .isZero();
        assertThat(losses("stopped")).hasSize(4);
        assertThat(elsewhere.resolve("profile.txt")).isRegularFile();
        assertThat(folder.resolve("runs/stopped/profile")).doesNotExist();
        assertThat(culvert(
                        "pretrain", "--resume", "--config", folder.resolve("run.yaml").toString(), "name=stopped"))
                .isZero();
    }

    @Test
    void saysWhenThereIsNothingToProfile() {
        assertThat(profile("short", "--warmup", "100")).isEqualTo(2);
        assertThat(err.toString()).contains("ended after 16 steps", "lower --warmup");
        assertThat(culvert("profile", "--", "doctor")).isEqualTo(2);
        assertThat(err.toString()).contains("'doctor' trained nothing");
        assertThat(culvert("profile", "--", "pretrain", "--config", "nowhere.yaml")).isNotZero();
        assertThat(culvert("profile", "--", "profile", "--", "doctor")).isEqualTo(2);
    }

    /** The Flight Recorder's events need no profiler, and are not there unless asked for. */
    @Test
    void flightRecorderGetsEventsItAskedFor() throws IOException {
        Path file = folder.resolve("events.jfr");
        try (Recording recording = new Recording()) {
            recording.enable("culvert.Step");
            recording.enable("culvert.Op").withoutThreshold();
            recording.start();
            assertThat(culvert("pretrain", "--config", folder.resolve("run.yaml").toString(), "name=recorded")).isZero();
            recording.stop();
            recording.dump(file);
        }
        Map<String, List<RecordedEvent>> events = RecordingFile.readAllEvents(file).stream()
                .collect(Collectors.groupingBy(event -> event.getEventType().getName()));
        assertThat(events.get("culvert.Step")).hasSize(EPOCHS * IMAGES / 5);
        assertThat(events.get("culvert.Op"))
                .hasSizeGreaterThan(1000)
                .anySatisfy(event -> assertThat(event.getString("pass")).isEqualTo("backward"));
        assertThat(events).doesNotContainKey("culvert.Decode");
    }
}
