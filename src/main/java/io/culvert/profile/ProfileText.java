package io.culvert.profile;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A profile to be read. */
final class ProfileText {
    private static final int CULPRITS = 8;

    private final Recording recording;
    private final Analysis analysis;
    private final StringBuilder out = new StringBuilder();

    private ProfileText(Recording recording, Analysis analysis) {
        this.recording = recording;
        this.analysis = analysis;
    }

    /** @param top operations that the table lists */
    static String of(Recording recording, Analysis analysis, int top) {
        ProfileText text = new ProfileText(recording, analysis);
        text.head();
        text.findings();
        text.time();
        text.loader();
        text.operations("By class", analysis.classes(), Integer.MAX_VALUE);
        text.operations("By operation", analysis.rows(), top);
        text.counts();
        text.memory();
        return text.out.toString();
    }

    private void say(String format, Object... args) {
        out.append(String.format(Locale.ROOT, format, args)).append(System.lineSeparator());
    }

    private double millis(double seconds) {
        return 1e3 * seconds / analysis.steps();
    }

    private void head() {
        Subject subject = recording.subject();
        Ceilings roof = subject.ceilings();
        say("%d steps timed after %d of warm-up, %.1f ms each; %s", analysis.steps(), recording.settings().warmup(),
                millis(analysis.seconds()), roof.device());
        if (roof.measured()) {
            say("the machine gives %.0f GFLOP/s and %.1f GB/s%s (%s), measured before training",
                    roof.flops() / 1e9, roof.bytes() / 1e9,
                    roof.launch() > 0 ? String.format(Locale.ROOT, ", a launch takes the host %.1f us", 1e6 * roof.launch()) : "",
                    roof.how());
        } else {
            say("what the machine gives was not measured: %s", roof.how());
        }
        if (subject.timer() != null) {
            say("times are the device's, %s; kernels were launched one by one, so that a step that is launched as one graph waits"
                    + " less", subject.timer().source());
        }
        Analysis.Overhead overhead = analysis.overhead();
        say("profiling: without logging and checkpoints timed steps took %.2f ms (median), untimed ones in turn with them %.2f: %+.1f %%"
                + " (steps scatter by %.1f %%);"
                + " by count of its calls %.2f %%",
                1e3 * overhead.timed(), 1e3 * overhead.untimed(), 100 * overhead.measured(), 100 * overhead.scatter(),
                100 * overhead.counted());
    }

    private void findings() {
        List<String> findings = Findings.of(analysis);
        say("%nWhat takes time");
        findings.forEach(finding -> say("  %s", finding));
        if (findings.isEmpty()) {
            say("  nothing stands out: no wait, phase or operation loses 5 %% of the time");
        }
    }

    private void time() {
        String idle = String.format(Locale.ROOT, "Where the time goes: the device was idle %.1f %% of it", analysis.idlePercent());
        say("%n%-74s%12s%10s", idle, "ms/step", "%");
        double ops = analysis.rows().stream().mapToDouble(Analysis.Row::seconds).sum();
        line("operations, forward", analysis.rows().stream().mapToDouble(Analysis.Row::forward).sum());
        line("operations, backward", analysis.rows().stream().mapToDouble(Analysis.Row::backward).sum());
        analysis.phases().entrySet().stream()
                .sorted(Map.Entry.<Phase, Double>comparingByValue().reversed())
                .forEach(entry -> line(entry.getKey().label(), entry.getValue()));
        line("together", ops + Arrays.stream(Phase.values()).mapToDouble(analysis::phase).sum());
        say("  %-72s%12.2f", "of it stopped by the garbage collector",
                analysis.pausedMillis() / analysis.steps());
    }

    private void line(String what, double seconds) {
        say("  %-72s%12.2f%10.2f", what, millis(seconds), analysis.percent(seconds));
    }

    private void loader() {
        double all = analysis.loading().stream().mapToDouble(Analysis.Loading::seconds).sum();
        if (all == 0) {
            return;
        }
        say("%n%-62s%12s%12s%12s%10s", "The loader's threads: " + recording.loaders().size(), "count", "ms each", "on a core", "%");
        for (Analysis.Loading loading : analysis.loading()) {
            int count = Math.max(1, loading.count());
            say("  %-62s%10d%12.3f%12.3f%10.2f", loading.task().label(), loading.count(), 1e3 * loading.seconds() / count,
                    1e3 * loading.cpuSeconds() / count, 100 * loading.seconds() / all);
        }
    }

    private void operations(String title, List<Analysis.Row> rows, int top) {
        say("%n%-47s%7s%10s%10s%7s%11s%9s%9s%8s%8s  %s", title, "calls", "fwd ms", "bwd ms", "%", "GFLOP", "MB", "GFLOP/s",
                "GB/s", "% roof", "bound by");
        for (Analysis.Row row : rows.subList(0, Math.min(top, rows.size()))) {
            String name = row.layer().isEmpty() ? row.kind() : row.layer() + " (" + row.kind() + ")";
            int steps = analysis.steps();
            say("%-47s%7d%10.3f%10.3f%7.2f%11.4f%9.2f%9.2f%8.2f%8s  %s", name, row.calls() / steps, millis(row.forward()),
                    millis(row.backward()), analysis.percent(row.seconds()), row.flops() / steps / 1e9,
                    row.bytes() / steps / 1e6, row.flops() / row.seconds() / 1e9, row.bytes() / row.seconds() / 1e9,
                    Double.isNaN(row.ofRoof()) ? "-" : String.format(Locale.ROOT, "%.1f", 100 * row.ofRoof()),
                    row.bound() == Analysis.Bound.UNKNOWN ? "-" : row.bound().name().toLowerCase(Locale.ROOT));
        }
        if (rows.size() > top) {
            say("  and %d more in profile.jsonl", rows.size() - top);
        }
    }

    private void counts() {
        List<String> names = recording.subject().counted();
        if (names.isEmpty()) {
            return;
        }
        StringBuilder head = new StringBuilder(String.format(Locale.ROOT, "%n%-24s", "Counted, a step"));
        names.forEach(name -> head.append(String.format(Locale.ROOT, "%20s", name)));
        say("%s", head);
        for (Analysis.Row row : analysis.classes()) {
            StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "%-24s", row.kind()));
            for (long count : row.counts()) {
                line.append(String.format(Locale.ROOT, "%,20d", count / analysis.steps()));
            }
            say("%s", line);
        }
    }

    private void memory() {
        MemoryFacts memory = recording.subject().memory();
        say("%nMemory of the run%66s", "MB");
        List<MemoryFacts.Fixed> fixed = new ArrayList<>(memory.fixed());
        fixed.sort(Comparator.comparingLong(MemoryFacts.Fixed::bytes).reversed());
        fixed.forEach(part -> say("  %-72s%9.2f", part.purpose(), part.bytes() / 1e6));
        say("  %-72s%9.2f", "together", fixed.stream().mapToLong(MemoryFacts.Fixed::bytes).sum() / 1e6);
        if (memory.blocks().isEmpty()) {
            return;
        }
        int peak = memory.peak();
        Subject.Lap at = recording.subject().lap(Phase.values().length + peak);
        say("%nA step needs most in %s, %s:%n  %.2f MB alive in a slab of %.2f", recording.subject().ops().get(at.op()).layer(),
                at.isForward() ? "forward" : "backward", memory.totalAt(peak) / 1e6, memory.slabBytes() / 1e6);
        memory.aliveAt(peak).forEach((category, bytes) ->
                say("  %-72s%9.2f", category.name().toLowerCase(Locale.ROOT) + "s", bytes / 1e6));
        say("its largest");
        memory.culprits().stream().limit(CULPRITS).forEach(block -> say(
                "  %-72s%9.2f", block.tensor() + " (" + block.category().name().toLowerCase(Locale.ROOT) + ")",
                block.bytes() / 1e6));
    }
}
