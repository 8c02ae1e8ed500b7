package io.culvert.study;

import com.fasterxml.jackson.databind.JsonNode;
import io.culvert.AtomicFile;
import io.culvert.train.EncoderFile;
import io.culvert.train.MetricsLog;
import io.culvert.train.Pretraining;
import io.culvert.train.Probing;
import io.culvert.train.RunConfig;
import io.culvert.train.RunFolder;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.function.Function;

/**
 * A run of a study in this process: trains what is not trained yet, from the last checkpoint on, judges it, and leaves
 * its sidecar.
 */
public final class RunExecution {
    private final PlannedRun run;
    private final RunConfig config;
    private final Path folder;

    private RunExecution(PlannedRun run) {
        this.run = run;
        this.config = run.config();
        this.folder = run.folder();
    }

    /**
     * Does the runs that the parent asks for, one after the other, and ends this process when the parent is gone. Returns
     * by no other way than the exception of a run that fails.
     *
     * @param input the requests of {@link RunnerProcess}
     * @param output where a run that is done is told
     * @param machine facts for the sidecar, of a device
     */
    public static void serve(Plan plan, InputStream input, PrintStream output, Function<String, Map<String, String>> machine)
            throws InterruptedException {
        BlockingQueue<String> requests = Lifeline.hold(input);
        while (true) {
            String[] request = requests.take().split(" ");
            PlannedRun run = plan.run(request[0]);
            try (Lifeline.Watch watch = new Lifeline.Watch(Claim.of(run.folder(), Integer.parseInt(request[1])))) {
                execute(run, machine.apply(run.config().device()));
            }
            output.println(RunnerProcess.DONE);
            output.flush();
        }
    }

    /** Does what is left to do of a run. */
    private static void execute(PlannedRun run, Map<String, String> machine) {
        RunExecution execution = new RunExecution(run);
        if (!execution.done()) {
            execution.train();
            execution.judge(machine);
        }
    }

    private boolean done() {
        return State.isDone(run);
    }

    private void train() {
        if (run.untrained() || Files.exists(RunFolder.encoderOf(folder))) {
            return;
        }
        boolean begun = Files.exists(RunFolder.checkpointOf(folder));
        Pretraining.run(config, begun ? RunFolder.Mode.RESUME : RunFolder.Mode.OVERWRITE);
    }

    private void judge(Map<String, String> machine) {
        long start = System.nanoTime();
        Optional<EncoderFile> encoder =
                run.untrained() ? Optional.empty() : Optional.of(EncoderFile.strict(RunFolder.encoderOf(folder)));
        Path checkpoint = RunFolder.checkpointOf(folder);
        boolean classifies = config.method().name().equals("supervised") && !run.untrained();
        Probing.Probed probed =
                Probing.judge(config, encoder, classifies ? Optional.of(checkpoint) : Optional.empty());
        List<Sidecar.Cell> cells = Judge.cells(run, probed);
        double judgeSeconds = (System.nanoTime() - start) / 1e9;
        List<JsonNode> steps = run.untrained() ? List.of() : steps();
        sidecar(probed, cells, steps, judgeSeconds, machine).write(folder);
        // A supervised run's own classifier is in its checkpoint, and may be asked again.
        if (!run.keepCheckpoint() && !classifies) {
            delete(checkpoint);
        }
    }

    private Sidecar sidecar(
            Probing.Probed probed, List<Sidecar.Cell> cells, List<JsonNode> steps, double judgeSeconds,
            Map<String, String> machine) {
        JsonNode last = steps.isEmpty() ? null : steps.getLast();
        Sidecar.Training training = new Sidecar.Training(
                probed.train().size(),
                probed.train().defectCount(),
                last == null ? 0 : last.path("step").asInt(),
                last == null ? null : last.path("loss").asDouble());
        return new Sidecar(
                Sidecar.FORMAT,
                run.id(),
                run.evaluation(),
                run.row(),
                run.method(),
                run.backbone(),
                run.sampling(),
                run.trainShare(),
                run.seed(),
                training,
                cells,
                Judge.labelFree(probed),
                new Sidecar.Cost(trainSeconds(steps), judgeSeconds),
                machine,
                Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
    }

    private List<JsonNode> steps() {
        return MetricsLog.read(folder.resolve("metrics.jsonl")).stream()
                .filter(line -> line.path("event").asText().equals("step"))
                .toList();
    }

    /** Of the steps that count: those that a kill undid are not in the log. */
    private double trainSeconds(List<JsonNode> steps) {
        double seconds = 0;
        int before = 0;
        for (JsonNode line : steps) {
            int step = line.path("step").asInt();
            seconds += (step - before) * (double) config.batchSize() / line.path("images_per_s").asDouble();
            before = step;
        }
        return seconds;
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(file, e);
        }
    }
}
