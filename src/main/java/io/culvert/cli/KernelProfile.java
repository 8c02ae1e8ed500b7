package io.culvert.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.culvert.emulator.ptx.InstructionClass;
import io.culvert.emulator.ptx.Launch;
import io.culvert.emulator.ptx.LaunchStats;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The exact counts of one launch.
 *
 * @param module a shipped module's name, or a file
 */
record KernelProfile(String module, Launch launch, LaunchStats stats) {
    /** The counts beside those by class, in the order of {@link #counts}. */
    private static final List<String> COUNTS = List.of(
            "warp_instructions",
            "thread_instructions",
            "global_requests",
            "global_sectors",
            "bytes_read",
            "bytes_written",
            "shared_requests",
            "bank_conflicts",
            "divergent_branches");

    private static String name(InstructionClass of) {
        return of.name().toLowerCase(Locale.ROOT);
    }

    private List<Long> counts() {
        return List.of(
                stats.warpInstructions(),
                stats.threadInstructions(),
                stats.globalRequests(),
                stats.globalSectors(),
                stats.globalBytesRead(),
                stats.globalBytesWritten(),
                stats.sharedRequests(),
                stats.bankConflicts(),
                stats.divergentBranches());
    }

    /** The heading of a table of {@link #row}s: counts, then warp instructions of each class. */
    static String columns() {
        return Stream.of(
                        Stream.of("module", "kernel", "grid", "block"),
                        COUNTS.stream(),
                        Arrays.stream(InstructionClass.values()).map(KernelProfile::name))
                .flatMap(columns -> columns)
                .collect(Collectors.joining("\t"));
    }

    /** One line of a tab-separated table. */
    String row() {
        List<String> cells = new ArrayList<>(List.of(
                module,
                launch.kernel().name(),
                launch.grid().toString(),
                launch.block().toString()));
        counts().forEach(count -> cells.add(count.toString()));
        for (InstructionClass of : InstructionClass.values()) {
            cells.add(Long.toString(stats.warpInstructions(of)));
        }
        return String.join("\t", cells);
    }

    /** A paragraph, with the {@code hottest} lines of the source. */
    String text(int hottest) {
        StringBuilder text = new StringBuilder();
        text.append("%s  %s  grid %s  block %s%n"
                .formatted(launch.kernel().name(), module, launch.grid(), launch.block()));
        text.append("  instructions  %d by warps, %d by threads (%.1f of 32 lanes): %s%n"
                .formatted(stats.warpInstructions(), stats.threadInstructions(), lanes(), classes()));
        text.append("  global        %d requests, %d sectors (%.2f a request), %d bytes read, %d written%n"
                .formatted(
                        stats.globalRequests(),
                        stats.globalSectors(),
                        stats.sectorsPerRequest(),
                        stats.globalBytesRead(),
                        stats.globalBytesWritten()));
        text.append("  shared        %d requests, %d bank conflicts%n"
                .formatted(stats.sharedRequests(), stats.bankConflicts()));
        text.append("  divergence    %d branches split a warp%n".formatted(stats.divergentBranches()));
        text.append("  hottest      ");
        stats.lines().stream()
                .limit(hottest)
                .forEach(line -> text.append(" %s %.0f%%"
                        .formatted(
                                line.source().isEmpty() ? "(no line)" : line.source(),
                                100.0 * line.warpInstructions() / stats.warpInstructions())));
        return text.append(System.lineSeparator()).toString();
    }

    private double lanes() {
        return stats.warpInstructions() == 0 ? 0 : (double) stats.threadInstructions() / stats.warpInstructions();
    }

    private String classes() {
        return Arrays.stream(InstructionClass.values())
                .filter(of -> stats.warpInstructions(of) > 0)
                .map(of -> name(of) + " " + stats.warpInstructions(of))
                .collect(Collectors.joining(", "));
    }

    void describe(ObjectNode node) {
        node.put("module", module).put("kernel", launch.kernel().name());
        node.put("grid", launch.grid().toString()).put("block", launch.block().toString());
        List<Long> counts = counts();
        for (int i = 0; i < counts.size(); i++) {
            node.put(COUNTS.get(i), counts.get(i));
        }
        node.put("sectors_per_request", stats.sectorsPerRequest());
        ObjectNode warp = node.putObject("warp_instructions_by_class");
        ObjectNode thread = node.putObject("thread_instructions_by_class");
        for (InstructionClass of : InstructionClass.values()) {
            warp.put(name(of), stats.warpInstructions(of));
            thread.put(name(of), stats.threadInstructions(of));
        }
        ArrayNode lines = node.putArray("lines");
        for (LaunchStats.Line line : stats.lines()) {
            lines.addObject()
                    .put("source", line.source())
                    .put("warp_instructions", line.warpInstructions())
                    .put("global_requests", line.globalRequests())
                    .put("sectors", line.sectors())
                    .put("bank_conflicts", line.conflicts())
                    .put("divergent_branches", line.splits());
        }
    }
}
