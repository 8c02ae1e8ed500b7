package io.culvert.train;

import io.culvert.CulvertException;
import io.culvert.data.Dataset;
import io.culvert.data.Feed;
import io.culvert.data.LoaderConfig;
import io.culvert.profile.Phase;
import io.culvert.profile.StepClock;
import io.culvert.ranks.Launch;
import io.culvert.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Training from a configuration to an encoder: the loop around {@link Trainer#step}. */
public final class Pretraining {
    private final Run run;
    private final Dataset dataset;
    private final RunConfig config;
    private final MemorySegment labels;
    private final RunFolder folder;
    private final Trainer trainer;
    private final Feed feed;
    /** Null but on rank 0. */
    private final Tracking tracking;
    private final StepClock clock;
    private final int stepsPerEpoch;
    private final int totalSteps;
    private final Runnable next = this::bring;

    private Pretraining(
            Run run, Dataset dataset, RunFolder folder, Trainer trainer, Feed feed, Tracking tracking, StepClock clock,
            int stepsPerEpoch) {
        this.run = run;
        this.dataset = dataset;
        this.config = run.config();
        labels = run.arena().hostMemory((long) run.method().views() * run.images() * Float.BYTES);
        this.folder = folder;
        this.trainer = trainer;
        this.feed = feed;
        this.tracking = tracking;
        this.clock = clock;
        this.stepsPerEpoch = stepsPerEpoch;
        this.totalSteps = stepsPerEpoch * config.schedule().epochs();
    }

    /** Trains, or goes on training, and leaves checkpoint, encoder, metrics and configuration in the run's folder. */
    public static void run(RunConfig config, RunFolder.Mode mode) {
        run(config, mode, false, false, Launch.ALONE);
    }

    /**
     * As the other.
     *
     * @param allowMissing whether parameters that {@code model.weights} lacks keep their initial values
     * @param ignoreUnknown whether tensors of {@code model.weights} that the backbone does not have are passed over
     * @param launch which of the processes that train together this one is; rank 0 alone writes and speaks
     */
    public static void run(
            RunConfig config, RunFolder.Mode mode, boolean allowMissing, boolean ignoreUnknown, Launch launch) {
        Dataset dataset = Run.trainingData(config);
        int stepsPerEpoch = dataset.size() / config.batchSize();
        if (stepsPerEpoch == 0) {
            throw CulvertException.data(
                    "%s: %d images do not fill one batch: lower batch_size, now %d",
                    config.data().csv(), dataset.size(), config.batchSize());
        }
        boolean leads = launch.rank() == 0;
        try (RunFolder folder = leads ? RunFolder.open(config.folder(), mode) : RunFolder.ofAnother(config.folder());
                Run run = new Run(config, Run.Plan.of(config, dataset), launch)) {
            try {
                train(run, dataset, folder, mode, allowMissing, ignoreUnknown, stepsPerEpoch);
                run.device().group().leave();
            } catch (RuntimeException | Error e) {
                run.device().group().abandon(e);
                throw e;
            }
        }
    }

    private static void train(
            Run run, Dataset dataset, RunFolder folder, RunFolder.Mode mode, boolean allowMissing, boolean ignoreUnknown,
            int stepsPerEpoch) {
        RunConfig config = run.config();
        boolean resumed = mode == RunFolder.Mode.RESUME;
        if (resumed) {
            requireSameConfig(folder, config);
        } else {
            run.loadWeights(allowMissing, ignoreUnknown);
            if (run.leads()) {
                folder.writeConfig(config);
            }
        }
        Diagnostics diagnostics = run.leads() ? run.diagnostics() : null;
        Trainer trainer = run.trainer(stepsPerEpoch);
        if (run.leads()) {
            run.accumulationDiffers().ifPresent(why -> System.err.printf(
                    "culvert: note: optim.accumulate=%d trains as batches of %d, not of %d: %s%n",
                    config.optim().accumulate(), config.passSize(), config.batchSize(), why));
        }
        if (resumed) {
            Checkpoint.resume(folder.checkpoint(), run.store(), trainer);
        }
        int done = trainer.steps();
        StepClock clock = run.leads() ? Profiling.attach(run, trainer) : StepClock.OFF;
        LoaderConfig loading = run.training(done / stepsPerEpoch, done % stepsPerEpoch);
        try (Feed feed = run.feed(dataset, loading, trainer.pixels());
                Tracking tracking = run.leads() ? new Tracking(run, folder, trainer, diagnostics, stepsPerEpoch, resumed) : null) {
            Pretraining pretraining =
                    new Pretraining(run, dataset, folder, trainer, feed, tracking, clock, stepsPerEpoch);
            if (!resumed) {
                // So that a run killed before its first checkpoint resumes like any other.
                pretraining.checkpoint();
            }
            pretraining.loop();
        }
    }

    /** A resumed run must be the same run: any other key would make the second half of it something else. */
    private static void requireSameConfig(RunFolder folder, RunConfig config) {
        try {
            String written = Files.readString(folder.config());
            List<String> before = RunConfig.parse(folder.config(), written, List.of()).trainingYaml().lines().toList();
            List<String> now = config.trainingYaml().lines().toList();
            for (int i = 0; i < Math.min(before.size(), now.size()); i++) {
                if (!before.get(i).equals(now.get(i))) {
                    throw CulvertException.usage(
                            "%s: the run was started with '%s', now it is '%s': resume with the same configuration",
                            folder.config(), before.get(i).strip(), now.get(i).strip());
                }
            }
        } catch (IOException e) {
            throw CulvertException.data(e, "%s: cannot read: %s", folder.config(), e.getMessage());
        }
    }

    private void loop() {
        long start = System.nanoTime();
        try (Progress progress = run.leads()
                ? Progress.start("pretrain", trainer.steps(), totalSteps)
                : Progress.silent("pretrain", trainer.steps(), totalSteps)) {
            long waited = 0;
            clock.begin();
            while (bring()) {
                double learningRate = trainer.learningRate();
                if (tracking != null) {
                    tracking.before();
                }
                clock.lap(Phase.LOG);
                float loss = step();
                progress.step(config.batchSize(), loss, feed.waitNanos() - waited);
                waited = feed.waitNanos();
                if (tracking != null) {
                    tracking.after(progress, loss, learningRate);
                }
                clock.lap(Phase.LOG);
                if (checkpointDue()) {
                    checkpoint();
                    clock.lap(Phase.CHECKPOINT);
                }
                clock.endStep();
            }
            if (tracking != null) {
                tracking.end(progress, (System.nanoTime() - start) / 1e9);
            }
        }
        if (!run.leads()) {
            return;
        }
        long batches = (long) trainer.steps() * run.method().views();
        Checkpoint.saveEncoder(folder.encoder(), run.backbone(), batches, metadata());
    }

    /** Waits for the images of the next pass, and gives the step their labels; false after the last. */
    private boolean bring() {
        long waited = feed.waitNanos();
        int images = feed.next();
        if (images > 0) {
            label(images);
        }
        clock.fed(feed.waitNanos() - waited);
        return images > 0;
    }

    /** One step; the batch of all ranks and all else that one that diverges began with are kept. */
    private float step() {
        try {
            return trainer.step(next);
        } catch (CulvertException e) {
            if (e.kind() != CulvertException.Kind.DIVERGED) {
                throw e;
            }
            Map<String, String> metadata = new TreeMap<>(metadata());
            metadata.putAll(run.plan().metadata());
            DivergedStep.keep(folder.diverged(), run, trainer, metadata);
            // All ranks have the same loss, so each ends by itself and with the same word.
            run.device().group().leave();
            throw CulvertException.diverged(
                    "%s; the step is in %s: culvert replay %s says where it began",
                    e.getMessage(), folder.diverged(), folder.path());
        }
    }

    /** Gives method and probe the labels of the pass's images, if they want them. */
    private void label(int images) {
        Tensor wanted = trainer.recorded().labels();
        OnlineProbe probe = trainer.probe().orElse(null);
        if (wanted == null && probe == null) {
            return;
        }
        int[] samples = feed.samples();
        int views = probe == null ? 1 : probe.views();
        for (int i = 0; i < images; i++) {
            float label = dataset.get(samples[i]).defective() ? 1 : 0;
            for (int view = 0; view < views; view++) {
                labels.setAtIndex(ValueLayout.JAVA_FLOAT, (long) view * run.images() + i, label);
            }
        }
        if (wanted != null) {
            wanted.copyFrom(labels.asSlice(0, wanted.bytes()));
        }
        if (probe != null) {
            probe.labels().copyFrom(labels);
        }
    }

    private void checkpoint() {
        if (!run.leads()) {
            return;
        }
        Checkpoint.save(folder.checkpoint(), run.store(), trainer, metadata());
    }

    private boolean checkpointDue() {
        int every = config.checkpoint().everySteps();
        int done = trainer.steps();
        return done == totalSteps || done % (every > 0 ? every : stepsPerEpoch) == 0;
    }

    private Map<String, String> metadata() {
        return Map.of(
                "format", "pt",
                "architecture", run.backbone().name(),
                "method", run.method().name(),
                "config", config.toYaml());
    }
}
