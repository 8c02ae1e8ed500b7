package io.culvert.emulator.ptx;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Exact counts of a launch; the same launch always has the same, in any order unless its control flow depends on data
 * that the order changes.
 */
public final class LaunchStats {
    /**
     * Counts of a source line.
     *
     * @param source {@code file:line}, or "" for PTX without line information
     * @param warpInstructions instructions issued
     * @param conflicts shared-memory wavefronts beyond those needed
     */
    public record Line(
            String source, long warpInstructions, long globalRequests, long sectors, long conflicts, long splits) {}

    private final Map<InstructionClass, Long> warp = new EnumMap<>(InstructionClass.class);
    private final Map<InstructionClass, Long> thread = new EnumMap<>(InstructionClass.class);
    private final Map<String, Line> lines = new HashMap<>();
    private long globalRequests;
    private long sectors;
    private long globalBytesRead;
    private long globalBytesWritten;
    private long sharedRequests;
    private long conflicts;
    private long splits;

    private LaunchStats() {}

    static LaunchStats of(LaunchContext context) {
        LaunchStats stats = new LaunchStats();
        for (LinkedCode linked : context.allLinked().values()) {
            Instruction[] instructions = linked.code.instructions;
            for (int i = 0; i < instructions.length; i++) {
                stats.add(context.launch.kernel().module(), instructions[i], linked.profile, i);
            }
        }
        return stats;
    }

    private void add(PtxModule module, Instruction instruction, Profile profile, int i) {
        if (profile.issued[i] == 0) {
            return;
        }
        warp.merge(instruction.instructionClass, profile.issued[i], Long::sum);
        thread.merge(instruction.instructionClass, profile.lanes[i], Long::sum);
        globalRequests += profile.globalRequests[i];
        sectors += profile.sectors[i];
        sharedRequests += profile.sharedRequests[i];
        conflicts += profile.conflicts[i];
        splits += profile.splits[i];
        String opcode = instruction.statement.opcode();
        if (opcode.startsWith("st") || opcode.startsWith("red")) {
            globalBytesWritten += profile.bytes[i];
        } else {
            globalBytesRead += profile.bytes[i];
            globalBytesWritten += opcode.startsWith("atom") ? profile.bytes[i] : 0;
        }
        Line line = new Line(
                module.source(instruction.statement),
                profile.issued[i],
                profile.globalRequests[i],
                profile.sectors[i],
                profile.conflicts[i],
                profile.splits[i]);
        lines.merge(line.source, line, LaunchStats::sum);
    }

    private static Line sum(Line a, Line b) {
        return new Line(
                a.source,
                a.warpInstructions + b.warpInstructions,
                a.globalRequests + b.globalRequests,
                a.sectors + b.sectors,
                a.conflicts + b.conflicts,
                a.splits + b.splits);
    }

    /** Instructions that warps issued. */
    public long warpInstructions() {
        return warp.values().stream().mapToLong(Long::longValue).sum();
    }

    /** Instructions that threads executed: at most 32 for each that a warp issued. */
    public long threadInstructions() {
        return thread.values().stream().mapToLong(Long::longValue).sum();
    }

    public long warpInstructions(InstructionClass of) {
        return warp.getOrDefault(of, 0L);
    }

    public long threadInstructions(InstructionClass of) {
        return thread.getOrDefault(of, 0L);
    }

    /** Warp-wide accesses to global memory, atomics and asynchronous copies included. */
    public long globalRequests() {
        return globalRequests;
    }

    /** 32-byte sectors that those touched: 4 a request where 32 lanes access 4 adjacent bytes each. */
    public long globalSectors() {
        return sectors;
    }

    public double sectorsPerRequest() {
        return globalRequests == 0 ? 0 : (double) sectors / globalRequests;
    }

    /** Bytes that threads read from global memory, counted once for each thread. */
    public long globalBytesRead() {
        return globalBytesRead;
    }

    /** Bytes that threads wrote to global memory, counted once for each thread. */
    public long globalBytesWritten() {
        return globalBytesWritten;
    }

    /** Warp-wide accesses to shared memory. */
    public long sharedRequests() {
        return sharedRequests;
    }

    /** Wavefronts beyond those that the width of the access needs, because lanes met in a bank. */
    public long bankConflicts() {
        return conflicts;
    }

    /** Branches at which lanes of a warp took different ways. */
    public long divergentBranches() {
        return splits;
    }

    /** Source lines by instructions issued, most first. */
    public List<Line> lines() {
        List<Line> sorted = new ArrayList<>(lines.values());
        sorted.sort(
                Comparator.comparingLong((Line line) -> -line.warpInstructions).thenComparing(Line::source));
        return sorted;
    }

    @Override
    public String toString() {
        return "%d warp instructions %s, %.2f sectors per global request (%d), %d conflicts in %d shared requests, %d splits"
                .formatted(
                        warpInstructions(),
                        warp,
                        sectorsPerRequest(),
                        globalRequests,
                        conflicts,
                        sharedRequests,
                        splits);
    }
}
