package io.culvert.profile;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Everything of a profile as JSON, one object a line; times are seconds a step. */
final class ProfileLines {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final Recording recording;
    private final Analysis analysis;
    private final List<String> lines = new ArrayList<>();

    private ProfileLines(Recording recording, Analysis analysis) {
        this.recording = recording;
        this.analysis = analysis;
    }

    static List<String> of(Recording recording, Analysis analysis) {
        ProfileLines all = new ProfileLines(recording, analysis);
        all.head();
        Findings.of(analysis).forEach(text -> all.end(all.line("finding").put("text", text)));
        analysis.phases().forEach((phase, seconds) -> {
            ObjectNode line = all.line("phase").put("phase", phase.name().toLowerCase(Locale.ROOT)).put("label", phase.label());
            all.end(all.seen(all.time(line, seconds), analysis.seen(phase)));
        });
        analysis.rows().forEach(all::operation);
        analysis.loading().forEach(all::loading);
        all.memory();
        return all.lines;
    }

    private ObjectNode line(String type) {
        return MAPPER.createObjectNode().put("type", type);
    }

    private void end(ObjectNode line) {
        lines.add(line.toString());
    }

    private ObjectNode time(ObjectNode line, double seconds) {
        return line.put("seconds", seconds / analysis.steps()).put("percent", analysis.percent(seconds));
    }

    private ObjectNode seen(ObjectNode line, List<Analysis.Seen> lines) {
        ObjectNode seen = line.putObject("seen");
        lines.stream().limit(10).forEach(at -> seen.put(at.line(), at.count()));
        return line;
    }

    private void head() {
        Ceilings roof = recording.subject().ceilings();
        Analysis.Overhead overhead = analysis.overhead();
        ObjectNode line = line("profile")
                .put("device", roof.device())
                .put("warmup_steps", recording.settings().warmup())
                .put("timed_steps", analysis.steps())
                .put("seconds_per_step", analysis.seconds() / analysis.steps())
                .put("idle_percent", analysis.idlePercent())
                .put("gc_seconds_per_step", analysis.pausedMillis() / 1e3 / analysis.steps())
                .put("times_of", recording.subject().timer() == null ? "host" : "device")
                .put("overhead_counted", overhead.counted());
        number(line, "overhead_measured", overhead.measured());
        number(line, "median_timed_step", overhead.timed());
        number(line, "median_untimed_step", overhead.untimed());
        number(line, "scatter_of_steps", overhead.scatter());
        if (roof.measured()) {
            line.put("machine_flops", roof.flops()).put("machine_bytes_per_second", roof.bytes());
        }
        if (roof.launch() > 0) {
            line.put("machine_launch_seconds", roof.launch());
        }
        line.put("machine_measured_by", roof.how());
        if (recording.subject().timer() != null) {
            line.put("times_by", recording.subject().timer().source());
        }
        end(line);
    }

    /** JSON has no NaN: what is not known is left out. */
    private static void number(ObjectNode line, String name, double value) {
        if (Double.isFinite(value)) {
            line.put(name, value);
        }
    }

    private void operation(Analysis.Row row) {
        int steps = analysis.steps();
        ObjectNode line = time(line("op").put("class", row.kind()).put("layer", row.layer()), row.seconds())
                .put("calls", row.calls() / steps)
                .put("forward_seconds", row.forward() / steps)
                .put("backward_seconds", row.backward() / steps)
                .put("flops", row.flops() / steps)
                .put("bytes", row.bytes() / steps)
                .put("bound", row.bound().name().toLowerCase(Locale.ROOT));
        number(line, "flops_per_second", row.flops() / row.seconds());
        number(line, "bytes_per_second", row.bytes() / row.seconds());
        number(line, "attainable_seconds", row.floor() / steps);
        number(line, "of_roof", row.ofRoof());
        List<String> counted = recording.subject().counted();
        for (int i = 0; i < counted.size(); i++) {
            line.put(counted.get(i).replace(' ', '_'), row.counts()[i] / steps);
        }
        Map<String, Long> ran = analysis.kernels(row);
        if (!ran.isEmpty()) {
            ObjectNode kernels = line.putObject("kernels");
            ran.forEach((name, nanos) -> kernels.put(name, nanos / 1e9 / steps));
        }
        end(seen(line, analysis.seen(row)));
    }

    private void loading(Analysis.Loading loading) {
        end(seen(line("loader")
                .put("task", loading.task().name().toLowerCase(Locale.ROOT))
                .put("count", loading.count())
                .put("seconds", loading.seconds())
                .put("cpu_seconds", loading.cpuSeconds()), analysis.seen(loading.task())));
    }

    private void memory() {
        MemoryFacts memory = recording.subject().memory();
        memory.fixed().forEach(part -> end(line("memory").put("purpose", part.purpose()).put("bytes", part.bytes())));
        if (memory.blocks().isEmpty()) {
            return;
        }
        int phases = Phase.values().length;
        for (int i = 0; i < memory.operations(); i++) {
            Subject.Lap lap = recording.subject().lap(phases + i);
            ObjectNode line = line("memory_at")
                    .put("layer", recording.subject().ops().get(lap.op()).layer())
                    .put("pass", lap.isForward() ? "forward" : "backward");
            memory.aliveAt(i).forEach((category, bytes) -> line.put(category.name().toLowerCase(Locale.ROOT), bytes));
            end(line.put("peak", i == memory.peak()));
        }
        memory.culprits().forEach(block -> end(line("memory_at_peak")
                .put("tensor", block.tensor())
                .put("category", block.category().name().toLowerCase(Locale.ROOT))
                .put("bytes", block.bytes())));
    }
}
