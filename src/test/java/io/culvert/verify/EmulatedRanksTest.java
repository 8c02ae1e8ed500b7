package io.culvert.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.culvert.ThisJvm;
import io.culvert.device.Ranks;
import io.culvert.emulator.Emulator;
import io.culvert.ranks.Launch;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Ranks with an emulated GPU each, processes that meet as on any machine: NCCL's calls, kernels, streams, graphs. The two
 * methods between them use all of it.
 */
class EmulatedRanksTest {
    private static final String TOLERANCE = "1e-4";
    private static final int RANKS = 2;

    @ParameterizedTest
    @ValueSource(strings = {"simclr", "dino"})
    void ranksEqualPyTorchWithTheWholeBatch(String name) throws Exception {
        assumeTrue(Emulator.isBuilt(), "the emulator was not built");
        int port = Ranks.freePort();
        List<Process> processes = new ArrayList<>();
        for (int rank = 0; rank < RANKS; rank++) {
            processes.add(start(Launch.local(rank, RANKS, port).environment(), name));
        }
        for (Process process : processes) {
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
            assertThat(said).contains("PASS ").contains("leaks {}");
            assertThat(said).as("the step was recorded once and repeated").doesNotContain("graphs 0,");
            assertThat(said).contains("ncclAllReduce");
        }
    }

    private static Process start(Map<String, String> environment, String name) throws Exception {
        List<String> command = new ArrayList<>(ThisJvm.command());
        command.addAll(List.of(
                EmulatedRank.class.getName(), "test/resources/trajectories/trajectory_" + name + ".safetensors", TOLERANCE));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(environment);
        return builder.start();
    }
}
