package io.culvert.train;

import io.culvert.CulvertException;
import io.culvert.data.Dataset;
import io.culvert.data.Feed;
import io.culvert.data.LoaderConfig;
import io.culvert.data.SewerMlCsv;
import io.culvert.data.augment.PlainView;
import java.nio.file.Files;

/**
 * Reads a frozen encoder out with a linear probe: fitted on the labelled training images, judged on the validation
 * images, for the trained encoder and for the same network untrained.
 */
public final class Probing {
    /**
     * What a probe makes of the validation images.
     *
     * @param scores one an image, higher for more likely defective
     */
    public record Outcome(LinearProbe probe, double[] scores) {}

    /**
     * Both probes side by side.
     *
     * @param device what computed the features
     * @param labels 1 for a defective image, one an image of {@code test}
     */
    public record Comparison(String device, Dataset test, int[] labels, Outcome trained, Outcome untrained) {}

    private final Run run;
    private final Encoder encoder;
    private final Dataset train;
    private final Dataset test;

    private Probing(Run run, Dataset train, Dataset test) {
        this.run = run;
        this.train = train;
        this.test = test;
        RunConfig config = run.config();
        encoder = new Encoder(
                run.arena(), run.backbone(), config.probe().batchSize(), config.data().imageSize());
    }

    /**
     * Probes the encoder of a finished run.
     *
     * @throws CulvertException (usage) if the configuration names no validation images; (data) if labels are missing
     */
    public static Comparison compare(RunConfig config, RunFolder folder) {
        if (!config.data().hasValidation()) {
            throw CulvertException.usage("the probe is judged on images it was not fitted on: set data.val_csv"
                    + " (and data.val_images)");
        }
        if (!Files.exists(folder.encoder())) {
            throw CulvertException.data(
                    "%s: not there, so the run has not ended: go on with culvert pretrain --resume, with the same configuration",
                    folder.encoder());
        }
        Dataset train = labelled(Run.trainingData(config), config.data().csv().toString());
        Dataset test = labelled(
                SewerMlCsv.read(config.data().valCsv(), config.data().validationImages()),
                config.data().valCsv().toString());
        try (Run run = new Run(config)) {
            Probing probing = new Probing(run, train, test);
            // First what can fail: a damaged encoder should not cost a pass over the images.
            Checkpoint.loadEncoder(folder.encoder(), run.backbone());
            Outcome trained = probing.probe("trained");
            run.initialise();
            Outcome untrained = probing.probe("untrained");
            return new Comparison(run.device().describe(), test, labels(test), trained, untrained);
        }
    }

    private static Dataset labelled(Dataset dataset, String csv) {
        if (!dataset.labelled()) {
            throw CulvertException.data("%s: has no labels, and a probe needs them", csv);
        }
        return dataset;
    }

    private static int[] labels(Dataset dataset) {
        return dataset.samples().stream()
                .mapToInt(sample -> sample.defective() ? 1 : 0)
                .toArray();
    }

    private Outcome probe(String network) {
        RunConfig.Probe keys = run.config().probe();
        LinearProbe.Options defaults = LinearProbe.Options.defaults(run.config().seed());
        LinearProbe.Options options = new LinearProbe.Options(
                defaults.lambdas(), keys.validationShare(), keys.balanced(), defaults.seed());
        LinearProbe probe = LinearProbe.fit(features("encode train, " + network, train), labels(train), options);
        return new Outcome(probe, probe.scores(features("encode test, " + network, test)));
    }

    private Features features(String label, Dataset dataset) {
        RunConfig config = run.config();
        LoaderConfig plain = run.withThreads(LoaderConfig.evaluation(
                PlainView.SEWER_ML, config.data().imageSize(), config.probe().batchSize()));
        float[] values = new float[Math.multiplyExact(dataset.size(), encoder.width())];
        try (Feed feed = run.feed(dataset, plain, encoder.pixels());
                Progress progress = Progress.start(label, 0, feed.stepsPerEpoch())) {
            int row = 0;
            long waited = 0;
            for (int count = feed.next(); count > 0; count = feed.next()) {
                encoder.encode(count, values, row);
                row += count;
                progress.step(count, feed.waitNanos() - waited);
                waited = feed.waitNanos();
            }
        }
        return new Features(values, dataset.size(), encoder.width());
    }
}
