package io.culvert.study;

import io.culvert.AtomicFile;
import io.culvert.CulvertException;
import io.culvert.ThisJvm;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A process that does one run after the other, so that a crash of a native library costs one run and a JVM that has
 * compiled its hot loops is used again. It ends by itself when this process dies (its input ends), when another worker
 * has taken its run over, and with the first run that fails; the next run then gets a new one.
 */
final class RunnerProcess implements AutoCloseable {
    /** What the process prints, alone on a line, when a run is done. */
    static final String DONE = "culvert-run-done";

    private static final String LOG = "log.txt";
    private static final int BEATS = 6;

    private final Path study;
    private final Map<String, String> environment;
    private Process process;

    /**
     * Starts nothing yet.
     *
     * @param study the folder of the study, whose plan holds the runs
     * @param environment variables for the process, beside this one's
     */
    RunnerProcess(Path study, Map<String, String> environment) {
        this.study = study;
        this.environment = environment;
    }

    /**
     * Hands over one run and waits for its end.
     *
     * @param dead after how long without a beat others take over
     * @return exit code, zero for a run that went well
     */
    int execute(PlannedRun run, Claim claim, Duration dead) throws InterruptedException {
        boolean ended = false;
        try {
            CompletableFuture<Integer> end = request(run, claim);
            while (!arrives(end, dead.dividedBy(BEATS)) && !claim.lost()) {
                claim.beat();
            }
            int exitCode = end.getNow(Lifeline.ENDED);
            ended = exitCode == 0;
            return exitCode;
        } finally {
            if (!ended) {
                close();
            }
        }
    }

    private static boolean arrives(CompletableFuture<Integer> end, Duration within) throws InterruptedException {
        try {
            end.get(within.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException e) {
            throw CulvertException.device(e.getCause(), "cannot follow a run's process: %s", e.getCause().getMessage());
        }
    }

    /** Hands the run to the process, or to a new one where the last has died; what follows is its exit code. */
    private CompletableFuture<Integer> request(PlannedRun run, Claim claim) {
        if (process == null || !process.isAlive()) {
            process = start();
        }
        Process asked = process;
        CompletableFuture<Integer> end = new CompletableFuture<>();
        Thread.ofPlatform().daemon().name("log").start(() -> {
            try {
                end.complete(pump(asked, run.folder().resolve(LOG)));
            } catch (RuntimeException | Error e) {
                end.completeExceptionally(e);
            }
        });
        try {
            asked.outputWriter().write(run.id() + " " + claim.number() + "\n");
            asked.outputWriter().flush();
        } catch (IOException e) {
            // It has died since: its exit code follows.
        }
        return end;
    }

    /** Copies what the process prints into the run's log until the run is done or the process is gone. */
    private static int pump(Process from, Path file) {
        try (Writer log = Files.newBufferedWriter(
                file, StandardCharsets.UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
            for (String line = next(from); line != null; line = next(from)) {
                if (line.equals(DONE)) {
                    return 0;
                }
                log.write(line + "\n");
                log.flush();
            }
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(file, e);
        }
        return from.onExit().join().exitValue();
    }

    private static String next(Process from) {
        try {
            return from.inputReader().readLine();
        } catch (IOException e) {
            return null; // destroyed while we read
        }
    }

    private Process start() {
        List<String> command = new ArrayList<>(ThisJvm.command());
        command.addAll(List.of("io.culvert.cli.Main", "study", "execute", "--folder", study.toString()));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(environment);
        try {
            return builder.start();
        } catch (IOException e) {
            throw CulvertException.device(e, "cannot start a process for runs: %s", e.getMessage());
        }
    }

    /** The last word in a run's log, for the user who asks why it has failed. */
    static String lastLine(PlannedRun run) {
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

    /** Ends the process, whatever it does. */
    @Override
    public void close() {
        if (process != null) {
            process.destroyForcibly();
            process = null;
        }
    }
}
