package io.culvert.train;

import io.culvert.CulvertException;
import io.culvert.data.Dataset;
import io.culvert.data.Groups;
import io.culvert.data.SewerMlCsv;
import io.culvert.metric.LabelFree;
import io.culvert.metric.Ranking;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Reads a frozen encoder out: by a linear probe, and by other readers of the same features beside it, each fitted on the
 * labelled training images and judged on the validation images, for the trained encoder and for the same network untrained.
 */
public final class Probing {
    /**
     * What one reader makes of the validation images.
     *
     * @param reader what read the features, as a report names it
     * @param threshold a score from here up means defective
     * @param logOdds whether scores are log-odds of a defect; else they are shares of votes, 0 to 1
     * @param scores one an image, higher for more likely defective
     */
    public record Outcome(String reader, double threshold, boolean logOdds, double[] scores) {
        /** How likely the reader holds a defect to be, 0 to 1, one an image. */
        public double[] probabilities() {
            return logOdds ? Arrays.stream(scores).map(s -> 1 / (1 + Math.exp(-s))).toArray() : scores;
        }
    }

    /**
     * A network, read out.
     *
     * @param probe logistic regression
     * @param outcomes one a reader, that of {@code probe} first
     * @param codes how likely each defect code is held to be, {@code [images, 17]}; empty unless {@code probe.multi_label}
     * @param labelFree scores of the features that need no labels; may be empty
     */
    public record Reading(
            LinearProbe probe, List<Outcome> outcomes, Optional<double[]> codes, List<LabelFree.Reading> labelFree) {
        /** What the linear probe makes of the validation images. */
        public Outcome linear() {
            return outcomes.getFirst();
        }
    }

    /**
     * One network, judged.
     *
     * @param device what computed the features
     * @param train the labelled images that the readers were fitted on
     * @param labels 1 for a defective image, one an image of {@code test}
     */
    public record Probed(String device, Dataset train, Dataset test, int[] labels, Reading reading) {}

    /**
     * Both networks side by side.
     *
     * @param device what computed the features
     * @param labels 1 for a defective image, one an image of {@code test}
     */
    public record Comparison(String device, Dataset test, int[] labels, Reading trained, Reading untrained) {}

    private final Run run;
    private final Encoding encoding;
    private final Dataset train;
    private final Dataset test;
    private final int[] trainLabels;
    private final LinearProbe.HeldOut split;

    private Probing(Run run, Dataset train, Dataset test) {
        this.run = run;
        this.train = train;
        this.test = test;
        trainLabels = labels(train);
        split = heldOut(run.config(), train, trainLabels);
        encoding = new Encoding(run);
    }

    /**
     * Probes an encoder.
     *
     * @param weights the encoder
     * @param classifier where a classifier that was trained with it lies, if there is one
     * @throws CulvertException (usage) if the configuration names no validation images; (data) if labels are missing
     */
    public static Comparison compare(RunConfig config, EncoderFile weights, Optional<Path> classifier) {
        weights.requireThere();
        try (Run run = new Run(config)) {
            Probing probing = of(run);
            Reading trained = probing.trained(weights, classifier);
            run.initialise();
            Reading untrained = probing.read("untrained", Optional.empty());
            return new Comparison(run.device().describe(), probing.test, labels(probing.test), trained, untrained);
        }
    }

    /**
     * Probes one network.
     *
     * @param weights the encoder; empty: the network as it is initialised
     * @param classifier as for {@link #compare}
     */
    public static Probed judge(RunConfig config, Optional<EncoderFile> weights, Optional<Path> classifier) {
        weights.ifPresent(EncoderFile::requireThere);
        try (Run run = new Run(config)) {
            Probing probing = of(run);
            Reading reading = weights.map(file -> probing.trained(file, classifier))
                    .orElseGet(() -> probing.read("untrained", Optional.empty()));
            return new Probed(
                    run.device().describe(), probing.train, probing.test, labels(probing.test), reading);
        }
    }

    private static Probing of(Run run) {
        RunConfig config = run.config();
        if (!config.data().hasValidation()) {
            throw CulvertException.usage("the probe is judged on images it was not fitted on: set data.val_csv"
                    + " (and data.val_images)");
        }
        Dataset train = labelled(Run.trainingData(config), config.data().csv().toString());
        Dataset test = labelled(
                SewerMlCsv.read(config.data().valCsv(), config.data().validationImages()),
                config.data().valCsv().toString());
        return new Probing(run, train, test);
    }

    private Reading trained(EncoderFile weights, Optional<Path> classifier) {
        // First what can fail: a damaged encoder should not cost a pass over the images.
        weights.load(run.backbone());
        return read("trained", classifier.map(file -> ProbeFile.classifier(file, run.backbone().features())));
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

    /** The training images that probes choose and set thresholds on: whole groups where there are any. */
    public static LinearProbe.HeldOut heldOut(RunConfig config, Dataset train, int[] labels) {
        double share = config.probe().validationShare();
        String groupBy = config.data().groupBy();
        return groupBy.isEmpty()
                ? LinearProbe.HeldOut.stratified(labels, share, config.seed())
                : LinearProbe.HeldOut.grouped(labels, Groups.of(groupBy, train.samples()).ids(), share, config.seed());
    }

    private Reading read(String network, Optional<LinearProbe> classifier) {
        RunConfig.Probe keys = run.config().probe();
        Features known = encoding.features("encode train, " + network, train);
        Features unknown = encoding.features("encode test, " + network, test);
        LinearProbe probe = LinearProbe.fit(known, trainLabels, split, options(keys));
        List<Outcome> outcomes = new ArrayList<>();
        outcomes.add(outcome("linear probe", probe, unknown));
        if (keys.knn() > 0) {
            outcomes.add(neighbours(known, unknown));
        }
        if (keys.sgdEpochs() > 0) {
            SgdProbe.Options sgd =
                    new SgdProbe.Options(keys.sgdEpochs(), keys.sgdLr(), keys.sgdBeta2(), run.config().seed());
            outcomes.add(outcome("SGD probe", SgdProbe.fit(known, trainLabels, sgd), unknown));
        }
        classifier.ifPresent(own -> outcomes.add(outcome("own classifier", own, unknown)));
        Optional<double[]> codes = keys.multiLabel()
                ? Optional.of(CodeProbes.probabilities(run.config(), known, train, unknown, options(keys)))
                : Optional.empty();
        return new Reading(probe, outcomes, codes, LabelFreeScores.of(run, encoding, network, train));
    }

    private LinearProbe.Options options(RunConfig.Probe keys) {
        LinearProbe.Options defaults = LinearProbe.Options.defaults(run.config().seed());
        return new LinearProbe.Options(
                defaults.lambdas(), keys.validationShare(), keys.balanced(), defaults.seed());
    }

    private static Outcome outcome(String reader, LinearProbe probe, Features features) {
        return new Outcome(reader, probe.threshold(), true, probe.scores(features));
    }

    /** As for the linear probe, the threshold is the one with the best F1 on training images that were held out. */
    private Outcome neighbours(Features known, Features unknown) {
        RunConfig.Probe keys = run.config().probe();
        double[] held = new KnnProbe(known, split.fit(), trainLabels, keys.knn(), keys.knnTemperature())
                .scores(known, split.validation());
        int[] heldLabels = Arrays.stream(split.validation()).map(i -> trainLabels[i]).toArray();
        double threshold = Ranking.of(held, heldLabels).bestF1().threshold();
        KnnProbe all = new KnnProbe(known, rows(known), trainLabels, keys.knn(), keys.knnTemperature());
        return new Outcome("%d neighbours".formatted(keys.knn()), threshold, false, all.scores(unknown, rows(unknown)));
    }

    private static int[] rows(Features features) {
        return IntStream.range(0, features.rows()).toArray();
    }
}
