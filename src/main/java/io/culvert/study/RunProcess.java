package io.culvert.study;

import io.culvert.AtomicFile;
import io.culvert.CulvertException;
import io.culvert.ThisJvm;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A run in a process of its own, so that a crash of a native library costs one run. The process ends by itself when its
 * parent dies (its input ends) and when another worker has taken the run over; its output goes into {@code log.txt}.
 */
final class RunProcess {
    private static final String LOG = "log.txt";
    private static final int SIGNALLED = 128;
    private static final List<Integer> FROM_OUTSIDE = List.of(SIGNALLED + 1, SIGNALLED + 2, SIGNALLED + 9, SIGNALLED + 15);
    private static final int BEATS = 6;

    private final Path study;
    private final PlannedRun run;
    private final Claim claim;

    /** @param study the folder of the study, whose plan holds the run */
    RunProcess(Path study, PlannedRun run, Claim claim) {
        this.study = study;
        this.run = run;
        this.claim = claim;
    }

    /**
     * Runs it and waits for its end; a failure is left in the run's folder.
     *
     * @param environment variables for the process, beside this one's
     * @param dead after how long without a beat others take over
     */
    Workers.End execute(Map<String, String> environment, Duration dead) throws InterruptedException {
        Process process = start(environment);
        try {
            while (!process.waitFor(dead.toMillis() / BEATS, TimeUnit.MILLISECONDS)) {
                if (claim.lost()) {
                    return Workers.End.LOST;
                }
                claim.beat();
            }
        } finally {
            process.destroyForcibly();
        }
        return end(process.exitValue());
    }

    private Workers.End end(int exitCode) {
        if (claim.lost()) {
            return Workers.End.LOST;
        }
        if (exitCode == 0 && State.isDone(run)) {
            return Workers.End.DONE;
        }
        if (FROM_OUTSIDE.contains(exitCode)) {
            return Workers.End.KILLED;
        }
        fail(exitCode, lastLine());
        return Workers.End.FAILED;
    }

    /** Leaves word in the folder of why there is no result. */
    void fail(int exitCode, String message) {
        new Failure(exitCode, message, Instant.now().truncatedTo(ChronoUnit.SECONDS).toString()).write(run.folder());
    }

    private Process start(Map<String, String> environment) {
        List<String> command = new ArrayList<>(ThisJvm.command());
        command.addAll(List.of(
                "io.culvert.cli.Main", "study", "execute",
                "--folder", study.toString(),
                "--run", run.id(),
                "--claim", Integer.toString(claim.number())));
        File log = run.folder().resolve(LOG).toFile();
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log));
        builder.environment().putAll(environment);
        try {
            return builder.start();
        } catch (IOException e) {
            throw CulvertException.device(e, "cannot start a process for a run: %s", e.getMessage());
        }
    }

    private String lastLine() {
        Path log = run.folder().resolve(LOG);
        try {
            List<String> lines = Files.readString(log, StandardCharsets.UTF_8).lines().filter(l -> !l.isBlank()).toList();
            return lines.stream()
                    .filter(line -> line.startsWith("culvert: "))
                    .reduce((first, second) -> second)
                    .orElse(lines.isEmpty() ? "no word" : lines.getLast());
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(log, e);
        }
    }
}
