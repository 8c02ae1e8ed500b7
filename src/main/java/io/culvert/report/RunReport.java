package io.culvert.report;

import com.fasterxml.jackson.databind.JsonNode;
import io.culvert.data.Dataset;
import io.culvert.data.DefectCode;
import io.culvert.data.ImageDecoder;
import io.culvert.data.Sample;
import io.culvert.device.cpu.RgbImage;
import io.culvert.metric.Confusion;
import io.culvert.metric.LabelFree;
import io.culvert.metric.Ranking;
import io.culvert.report.AnomalyReport.CodeRecall;
import io.culvert.report.AnomalyReport.Fact;
import io.culvert.report.AnomalyReport.LabelFreeScore;
import io.culvert.report.AnomalyReport.Numbers;
import io.culvert.report.AnomalyReport.Picture;
import io.culvert.report.AnomalyReport.Point;
import io.culvert.report.AnomalyReport.Reader;
import io.culvert.report.AnomalyReport.Training;
import io.culvert.train.MetricsLog;
import io.culvert.train.Probing;
import io.culvert.train.RunConfig;
import io.culvert.train.RunFolder;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Gathers the report of a run from its folder and its probes. */
public final class RunReport {
    private static final int PICTURES = 12;
    private static final int THUMBNAIL = 176;

    private final RunConfig config;
    private final Probing.Comparison comparison;
    private final Dataset test;

    private RunReport(RunConfig config, Probing.Comparison comparison) {
        this.config = config;
        this.comparison = comparison;
        this.test = comparison.test();
    }

    /**
     * Gathers everything.
     *
     * @param machine device, libraries and versions
     * @param notes what a reader should keep in mind
     * @param commands command lines that give this report again
     */
    public static AnomalyReport of(
            RunConfig config,
            RunFolder folder,
            Probing.Comparison comparison,
            List<Fact> machine,
            List<String> notes,
            List<String> commands) {
        RunReport report = new RunReport(config, comparison);
        List<JsonNode> metrics = MetricsLog.read(folder.metrics());
        return new AnomalyReport(
                config.name(),
                ZonedDateTime.now().format(DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm z")),
                report.subject(),
                report.evaluation(comparison.trained().linear()),
                report.evaluation(comparison.untrained().linear()),
                report.readers(),
                report.codeRecalls(),
                report.labelFree(),
                new Training(points(metrics, "loss"), points(metrics, "lr")),
                report.pictures(i -> true, Comparator.reverseOrder()),
                report.pictures(i -> comparison.labels()[i] == 1 && !report.flagged(i), Comparator.naturalOrder()),
                report.pictures(i -> comparison.labels()[i] == 0 && report.flagged(i), Comparator.reverseOrder()),
                report.settings(),
                machine,
                timing(metrics),
                notes,
                commands);
    }

    private String subject() {
        return "%s on %s, %d px, batch %d, %d epochs without labels; linear probe on %d test images"
                .formatted(
                        config.method().name(),
                        config.model().name(),
                        config.data().imageSize(),
                        config.batchSize(),
                        config.schedule().epochs(),
                        test.size());
    }

    private Evaluation evaluation(Probing.Outcome outcome) {
        return Evaluation.of(
                outcome.scores(), comparison.labels(), outcome.threshold(), config.seed());
    }

    private List<Reader> readers() {
        Map<String, Numbers> untrained = comparison.untrained().outcomes().stream()
                .collect(Collectors.toMap(Probing.Outcome::reader, this::numbers));
        return comparison.trained().outcomes().stream()
                .map(outcome -> new Reader(outcome.reader(), numbers(outcome), untrained.get(outcome.reader())))
                .toList();
    }

    private Numbers numbers(Probing.Outcome outcome) {
        Ranking ranking = Ranking.of(outcome.scores(), comparison.labels());
        Confusion at = Confusion.at(outcome.threshold(), outcome.scores(), comparison.labels());
        return new Numbers(ranking.auroc(), ranking.averagePrecision(), at.f1());
    }

    private List<LabelFreeScore> labelFree() {
        List<LabelFree.Reading> untrained = comparison.untrained().labelFree();
        return comparison.trained().labelFree().stream()
                .map(reading -> new LabelFreeScore(
                        reading.score().key(), reading.score().direction().words(), value(reading),
                        value(untrained.get(reading.score().ordinal())), reading.detail()))
                .toList();
    }

    /** Null where it is undefined: JSON has no NaN. */
    private static Double value(LabelFree.Reading reading) {
        return reading.defined() ? (Double) reading.value() : null;
    }

    private boolean flagged(int image) {
        return flagged(comparison.trained().linear(), image);
    }

    private static boolean flagged(Probing.Outcome outcome, int image) {
        return outcome.scores()[image] >= outcome.threshold();
    }

    private List<CodeRecall> codeRecalls() {
        List<CodeRecall> recalls = new ArrayList<>();
        for (DefectCode code : DefectCode.values()) {
            int[] images =
                    IntStream.range(0, test.size()).filter(i -> test.get(i).has(code)).toArray();
            if (images.length > 0) {
                recalls.add(new CodeRecall(
                        code.name(),
                        code.meaning(),
                        images.length,
                        IntStream.of(images).filter(this::flagged).count(),
                        IntStream.of(images)
                                .filter(i -> flagged(comparison.untrained().linear(), i))
                                .count()));
            }
        }
        return recalls;
    }

    private List<Picture> pictures(IntPredicate chosen, Comparator<Double> order) {
        double[] scores = comparison.trained().linear().scores();
        int[] images = IntStream.range(0, test.size())
                .filter(chosen)
                .boxed()
                .sorted(Comparator.comparing((Integer i) -> scores[i], order))
                .limit(PICTURES)
                .mapToInt(Integer::intValue)
                .toArray();
        List<Picture> pictures = new ArrayList<>();
        ImageDecoder decoder = new ImageDecoder();
        try (decoder;
                RgbImage image = new RgbImage()) {
            for (int i : images) {
                decoder.decode(test.path(i), image);
                String thumbnail = Thumbnail.dataUri(image.pixels(), image.height(), image.width(), THUMBNAIL);
                pictures.add(new Picture(test.get(i).file(), scores[i], codes(test.get(i)), thumbnail));
            }
        }
        return pictures;
    }

    private static List<String> codes(Sample sample) {
        return IntStream.range(0, DefectCode.values().length)
                .mapToObj(i -> DefectCode.values()[i])
                .filter(sample::has)
                .map(DefectCode::name)
                .toList();
    }

    private static List<Point> points(List<JsonNode> metrics, String key) {
        return metrics.stream()
                .filter(line -> line.path(key).isNumber())
                .map(line -> new Point(line.get("step").asDouble(), line.get(key).asDouble()))
                .toList();
    }

    private List<Fact> settings() {
        RunConfig.Optim optim = config.optim();
        return List.of(
                new Fact("method", config.method().name()),
                new Fact("backbone", config.model().name()),
                new Fact("image size", config.data().imageSize() + " px"),
                new Fact("optimiser", "%s, peak rate %.4g, decay %.2g".formatted(optim.name(), config.peakLr(), optim.weightDecay())),
                new Fact("batch, epochs", config.batchSize() + ", " + config.schedule().epochs()),
                new Fact("augmentation", config.augment().preset()),
                new Fact("seed", Long.toString(config.seed())),
                new Fact("training images", config.data().csv().toString()),
                new Fact("test images", config.data().valCsv().toString()));
    }

    private static List<Fact> timing(List<JsonNode> metrics) {
        List<Fact> facts = new ArrayList<>();
        double[] rates = metrics.stream()
                .filter(line -> line.path("images_per_s").isNumber())
                .mapToDouble(line -> line.get("images_per_s").asDouble())
                .sorted()
                .toArray();
        if (rates.length > 0) {
            facts.add(new Fact("pre-training, median", "%.1f images/s".formatted(rates[rates.length / 2])));
        }
        metrics.stream()
                .filter(line -> line.path("seconds").isNumber())
                .reduce((first, last) -> last)
                .ifPresent(line -> facts.add(new Fact(
                        "pre-training, last process", "%.0f s".formatted(line.get("seconds").asDouble()))));
        return facts;
    }
}
