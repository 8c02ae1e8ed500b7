package io.culvert.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.culvert.ThisJvm;
import io.culvert.emulator.Emulator;
import io.culvert.ranks.Launch;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Ranks whose GPUs wait for each other, which no exception ends: one hangs, and both processes end and say why. */
@Execution(ExecutionMode.CONCURRENT)
@Timeout(300)
class EmulatedHangTest {
    private static final int RANKS = 2;

    private record Ended(int exitCode, String said) {}

    private static List<Ended> run(String what) throws Exception {
        assumeTrue(Emulator.isBuilt(), "the emulator was not built");
        int port = Ranks.freePort();
        List<Process> processes = new ArrayList<>();
        try {
            for (int rank = 0; rank < RANKS; rank++) {
                List<String> command = new ArrayList<>(ThisJvm.command());
                command.addAll(List.of(EmulatedWaiter.class.getName(), what));
                ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
                builder.environment().putAll(Launch.local(rank, RANKS, port).environment());
                processes.add(builder.start());
            }
            List<Ended> ended = new ArrayList<>();
            for (Process process : processes) {
                String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
                ended.add(new Ended(process.exitValue(), said));
            }
            return ended;
        } finally {
            processes.forEach(Process::destroyForcibly);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "hangs, rank 1 did not come to step 5 within 3 s",
        "network, rank 1 at step 5: NCCL: simulated NCCL error (2)",
        "gpu, 'all ranks came to step 5, which is not done within 3 s: a GPU hangs, or what connects them'",
    })
    void bothEndWithOneLine(String what, String why) throws Exception {
        List<Ended> ended = run(what);
        for (int rank = 0; rank < RANKS; rank++) {
            assertThat(ended.get(rank).exitCode).as(ended.get(rank).said).isEqualTo(4);
            assertThat(ended.get(rank).said.lines().filter(line -> line.startsWith("culvert: error: ")))
                    .singleElement().asString()
                    .startsWith("culvert: error: " + why)
                    .endsWith(": so rank " + rank + " of 2 ends as well");
        }
    }

    /** Its own word and exit code, although giving its memory back waits for a rank that has gone. */
    @Test
    void aRankThatFailsInTheMiddleOfAStepEnds() throws Exception {
        List<Ended> ended = run("fails");
        assertThat(ended.getFirst().exitCode).as(ended.getFirst().said).isEqualTo(4);
        assertThat(ended.getFirst().said).contains("rank 1 has failed (the disk is full): so rank 0 of 2 ends as well");
        assertThat(ended.getLast().exitCode).as(ended.getLast().said).isEqualTo(3);
        assertThat(ended.getLast().said).contains("culvert: error: the disk is full");
    }

    @Test
    void ranksThatAllComeEndWell() throws Exception {
        assertThat(run("nothing")).allSatisfy(ended -> {
            assertThat(ended.exitCode).as(ended.said).isZero();
            assertThat(ended.said).contains("leaks {}");
        });
    }
}
