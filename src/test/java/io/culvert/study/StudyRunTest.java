package io.culvert.study;

import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.train.MetricsLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * configs/study-smoke.yaml from beginning to end: once by two workers that share its folder, once by workers that are
 * killed at random points. Both end with the same results.
 */
@Execution(ExecutionMode.CONCURRENT)
class StudyRunTest {
    private static final Path CONFIG = Path.of("../configs/study-smoke.yaml").toAbsolutePath().normalize();
    private static final String RESULTS = "SELECT * FROM results ORDER BY id, reader, test_share, metric";
    private static final int KILLS = 2;
    private static final long SEED = 20_241_005;

    @TempDir
    Path folder;

    @Test
    void killedAndResumedItEndsAsUndisturbed() throws Exception {
        Path calm = Files.createDirectory(folder.resolve("calm"));
        Process one = worker(calm, 1);
        Process two = worker(calm, 1);
        assertEndsWell(one, calm);
        assertEndsWell(two, calm);
        Plan done = plan(calm);
        for (PlannedRun run : done.runs()) {
            assertThat(run.folder().resolve("claim-2")).as("nothing runs twice").doesNotExist();
        }

        Path wild = Files.createDirectory(folder.resolve("wild"));
        SplittableRandom random = new SplittableRandom(SEED);
        for (int kill = 0; kill < KILLS; kill++) {
            Process worker = worker(wild, 2);
            int steps = kill + 1 + random.nextInt(2);
            long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(3);
            while (stepsTaken(wild) < steps * (kill + 1) && worker.isAlive() && System.nanoTime() < deadline) {
                TimeUnit.MILLISECONDS.sleep(20 + random.nextInt(200));
            }
            List<ProcessHandle> runs = worker.descendants().toList();
            if (kill == 0 && !runs.isEmpty()) {
                // A run of its own first: the worker notices and takes it up again.
                runs.getFirst().destroyForcibly();
                TimeUnit.MILLISECONDS.sleep(1500);
                runs = worker.descendants().toList();
            }
            worker.destroyForcibly().waitFor();
            for (ProcessHandle run : runs) {
                // Nobody killed them: they end because their worker is gone.
                run.onExit().get(20, TimeUnit.SECONDS);
            }
        }
        assertEndsWell(worker(wild, 2), wild);

        try (Store undisturbed = Store.of(done);
                Store disturbed = Store.of(plan(wild))) {
            assertThat(disturbed.query(RESULTS).rows())
                    .hasSizeGreaterThan(100)
                    .isEqualTo(undisturbed.query(RESULTS).rows());
        }
        assertThat(claims(wild)).as("runs were taken up again").isGreaterThan(done.runs().size());
    }

    private static Plan plan(Path where) {
        Plan written = Plan.read(where.resolve("studies/study-smoke"));
        assertThat(written.runs()).hasSize(6);
        return written;
    }

    private static int stepsTaken(Path where) throws IOException {
        Path runs = where.resolve("studies/study-smoke/runs");
        if (!Files.isDirectory(runs)) {
            return 0;
        }
        int steps = 0;
        try (Stream<Path> folders = Files.list(runs)) {
            for (Path metrics : folders.map(run -> run.resolve("metrics.jsonl")).filter(Files::exists).toList()) {
                steps += MetricsLog.read(metrics).size();
            }
        }
        return steps;
    }

    private static long claims(Path where) throws IOException {
        try (Stream<Path> files = Files.walk(where.resolve("studies"))) {
            return files.filter(file -> file.getFileName().toString().matches("claim-\\d+")).count();
        }
    }

    private static Process worker(Path where, int slots) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--add-modules",
                "jdk.incubator.vector",
                "-cp",
                System.getProperty("java.class.path"),
                "io.culvert.cli.Main",
                "study",
                "run",
                "--config",
                CONFIG.toString(),
                "--workers",
                Integer.toString(slots),
                "log.every_steps=1"));
        return new ProcessBuilder(command)
                .directory(where.toFile())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(where.resolve("log.txt").toFile()))
                .start();
    }

    private static void assertEndsWell(Process worker, Path where) throws Exception {
        assertThat(worker.waitFor(6, TimeUnit.MINUTES)).as("it ends").isTrue();
        assertThat(worker.exitValue()).as(() -> read(where.resolve("log.txt"))).isZero();
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
