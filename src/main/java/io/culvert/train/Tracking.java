package io.culvert.train;

import com.fasterxml.jackson.databind.JsonNode;
import io.culvert.method.Method;
import io.culvert.tensor.Parameter;
import io.culvert.tensorboard.EventFile;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** What a run says of itself while it trains: {@code metrics.jsonl}, TensorBoard's file, the progress line, the verdict. */
final class Tracking implements AutoCloseable {
    private final Run run;
    private final RunConfig.Log keys;
    private final Trainer trainer;
    private final Diagnostics diagnostics;
    private final Verdict verdict;
    private final MetricsLog metrics;
    private final EventFile events;
    private final MlflowTracker mlflow;
    private final int stepsPerEpoch;
    private final int totalSteps;

    /** @param resumed whether the folder holds what the run wrote before; the trainer says up to which step that counts */
    Tracking(Run run, RunFolder folder, Trainer trainer, Diagnostics diagnostics, int stepsPerEpoch, boolean resumed) {
        this.run = run;
        this.trainer = trainer;
        this.diagnostics = diagnostics;
        this.stepsPerEpoch = stepsPerEpoch;
        keys = run.config().log();
        RunConfig.Schedule schedule = run.config().schedule();
        totalSteps = stepsPerEpoch * schedule.epochs();
        int grace = Math.min(stepsPerEpoch * schedule.warmupEpochs(), totalSteps / 10);
        verdict = new Verdict(run.method().trivialLoss(run.config().passSize()), grace);
        int done = trainer.steps();
        metrics = resumed ? MetricsLog.resume(folder.metrics(), done) : MetricsLog.create(folder.metrics());
        if (resumed) {
            MetricsLog.read(folder.metrics()).stream()
                    .filter(line -> line.path("event").asText().equals("step"))
                    .forEach(line -> verdict.add(point(line)));
        }
        events = keys.tensorboard() ? EventFile.open(folder.path(), done) : null;
        mlflow = keys.mlflow().isEmpty() ? null : MlflowTracker.open(keys.mlflow(), run.config(), folder.mlflow());
    }

    /** Called before each step. */
    void before() {
        if (isDue(trainer.steps() + 1)) {
            diagnostics.before();
        }
    }

    /** Called after each step. */
    void after(Progress progress, float loss, double learningRate) {
        int step = trainer.steps();
        if (events != null && (step - 1) % stepsPerEpoch == 0) {
            ViewGrid views = ViewGrid.of(
                    trainer.pixels().getFirst(), run.method().views(),
                    Recipes.of(run.config().augment(), run.method().views()).getFirst().normalization());
            events.image("views", step, views.height(), views.width(), views.png());
        }
        if (isDue(step)) {
            log(progress, loss, learningRate);
        }
    }

    private boolean isDue(int step) {
        return step % keys.everySteps() == 0 || step == totalSteps;
    }

    /** At the first log line of each interval, and at the last of all. */
    private boolean isRankDue(int step) {
        int every = keys.rankEverySteps();
        return every > 0 && (step == totalSteps || step / every > (step - keys.everySteps()) / every);
    }

    private void log(Progress progress, float loss, double learningRate) {
        int step = trainer.steps();
        Map<String, Number> line = new LinkedHashMap<>();
        line.put("loss", loss);
        line.put("lr", learningRate);
        trainer.clippedNorm().ifPresent(norm -> line.put("clipped_norm", norm));
        line.put("images_per_s", progress.imagesPerSecond());
        line.put("data_wait_percent", progress.dataWaitPercent());
        diagnostics.after(trainer.recorded(), line, isRankDue(step));
        trainer.probe().ifPresent(probe -> probe.report(line));
        metrics.write("step", step, line);
        if (events != null) {
            line.forEach((name, value) -> events.scalar("train/" + name, step, value.doubleValue()));
            if (isRankDue(step)) {
                histograms(step);
            }
        }
        if (mlflow != null) {
            mlflow.metrics(step, line);
            mlflow.warning().ifPresent(progress::say);
        }
        progress.note(note(line));
        verdict.add(point(step, line)).forEach(finding -> tell(progress, finding));
    }

    private void histograms(int step) {
        Method.Recorded recorded = trainer.recorded();
        events.histogram("features", step, recorded.features().toFloats());
        events.histogram("embeddings", step, recorded.embeddings().toFloats());
        if (keys.weightHistograms()) {
            for (Parameter parameter : run.store().parameters()) {
                events.histogram("weights/" + parameter.name(), step, parameter.value().toFloats());
            }
        }
    }

    /** The numbers for the progress line, short. */
    private static String note(Map<String, Number> line) {
        StringBuilder note = new StringBuilder();
        append(note, "std", "%.2f", line.get(Diagnostics.SPREAD));
        append(note, "rank", "%.0f", line.get(Diagnostics.RANK_EMBEDDINGS));
        append(note, "|g|", "%.1e", line.get(Diagnostics.GRADIENT));
        append(note, "upd", "%.1e", line.get(Diagnostics.UPDATE));
        append(note, "auroc", "%.2f", line.get("probe_auroc"));
        return note.toString();
    }

    private static void append(StringBuilder note, String name, String format, Number value) {
        if (value != null) {
            note.append("  ").append(name).append(' ').append(String.format(Locale.ROOT, format, value.doubleValue()));
        }
    }

    private Verdict.Point point(JsonNode line) {
        Map<String, Number> numbers = new LinkedHashMap<>();
        line.properties().stream()
                .filter(entry -> entry.getValue().isNumber())
                .forEach(entry -> numbers.put(entry.getKey(), entry.getValue().numberValue()));
        return point(line.path("step").asLong(), numbers);
    }

    private Verdict.Point point(long step, Map<String, Number> line) {
        return new Verdict.Point(
                step,
                value(line, "loss"),
                value(line, Diagnostics.SPREAD),
                new Verdict.Rank(value(line, Diagnostics.RANK_EMBEDDINGS), diagnostics.rankLimit(trainer.recorded().embeddings())),
                new Verdict.Rank(value(line, Diagnostics.RANK_FEATURES), diagnostics.rankLimit(trainer.recorded().features())));
    }

    private static double value(Map<String, Number> line, String key) {
        Number value = line.get(key);
        return value == null ? Double.NaN : value.doubleValue();
    }

    private void tell(Progress progress, Verdict.Finding finding) {
        progress.say("verdict at step " + trainer.steps() + ": " + finding.line());
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("verdict", finding.state());
        line.put("what", finding.what());
        line.put("since", finding.since());
        if (!finding.remedy().isEmpty()) {
            line.put("try", finding.remedy());
        }
        metrics.write("verdict", trainer.steps(), line);
    }

    /** Called when the last step is done: the verdict on the whole run. */
    void end(Progress progress, double seconds) {
        tell(progress, verdict.close());
        metrics.write("end", trainer.steps(), Map.of("seconds", seconds));
    }

    @Override
    public void close() {
        try (metrics) {
            if (events != null) {
                events.close();
            }
            if (mlflow != null) {
                mlflow.end(trainer.steps() == totalSteps);
                mlflow.warning().ifPresent(System.err::println);
            }
        }
    }
}
