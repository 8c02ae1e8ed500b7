package io.culvert.train;

import io.culvert.CulvertException;
import io.culvert.data.Dataset;
import io.culvert.data.SewerMlCsv;

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
    private final Encoding encoding;
    private final Dataset train;
    private final Dataset test;

    private Probing(Run run, Dataset train, Dataset test) {
        this.run = run;
        this.train = train;
        this.test = test;
        encoding = new Encoding(run);
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
        Encoding.requireEncoder(folder.encoder());
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
        LinearProbe probe = LinearProbe.fit(encoding.features("encode train, " + network, train), labels(train), options);
        return new Outcome(probe, probe.scores(encoding.features("encode test, " + network, test)));
    }
}
