package io.culvert.emulator;

import io.culvert.emulator.ptx.InstructionClass;
import io.culvert.emulator.ptx.LaunchStats;
import java.util.List;

/** What kernels did since the emulator was installed: exact, and the same on every machine. */
final class KernelCounts {
    /** Names of the numbers, in their order. */
    static final List<String> NAMES = List.of(
            "launches", "warp instructions", "tensor instructions", "global requests", "global sectors", "shared requests",
            "bank conflicts", "divergent branches");

    private final long[] totals = new long[NAMES.size()];

    void add(LaunchStats launch) {
        long[] more = {
            1,
            launch.warpInstructions(),
            launch.warpInstructions(InstructionClass.TENSOR),
            launch.globalRequests(),
            launch.globalSectors(),
            launch.sharedRequests(),
            launch.bankConflicts(),
            launch.divergentBranches()
        };
        for (int i = 0; i < totals.length; i++) {
            totals[i] += more[i];
        }
    }

    long[] now() {
        return totals.clone();
    }
}
