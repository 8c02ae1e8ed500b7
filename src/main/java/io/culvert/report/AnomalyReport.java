package io.culvert.report;

import com.fasterxml.jackson.annotation.JsonIgnore;
import java.util.List;

/**
 * Everything that a report of one run says, in the words and numbers it prints.
 *
 * @param title name of the run
 * @param created when, as text
 * @param subject what was trained on what, in one line
 * @param trained the probe on pre-trained features, on test images
 * @param untrained the same probe on the same network with its initial weights, on the same test images
 * @param readers every reader of the features, the linear probe first
 * @param codes recall of each defect code that the test images have
 * @param labelFree scores of the features that need no labels
 * @param training curves of the pre-training
 * @param mostAnomalous test images with the highest scores, highest first
 * @param missed defective test images below the threshold, lowest score first
 * @param falseAlarms sound test images at or above the threshold, highest score first
 * @param settings the configuration in brief
 * @param machine device, libraries and versions
 * @param timing where the time went
 * @param notes what a reader should keep in mind, e.g. that the images are synthetic
 * @param commands command lines that give this report again, in order
 */
public record AnomalyReport(
        String title,
        String created,
        String subject,
        Evaluation trained,
        Evaluation untrained,
        List<Reader> readers,
        List<CodeRecall> codes,
        List<LabelFreeScore> labelFree,
        Training training,
        List<Picture> mostAnomalous,
        List<Picture> missed,
        List<Picture> falseAlarms,
        List<Fact> settings,
        List<Fact> machine,
        List<Fact> timing,
        List<String> notes,
        List<String> commands) {

    public AnomalyReport {
        readers = List.copyOf(readers);
        codes = List.copyOf(codes);
        labelFree = List.copyOf(labelFree);
        mostAnomalous = List.copyOf(mostAnomalous);
        missed = List.copyOf(missed);
        falseAlarms = List.copyOf(falseAlarms);
        settings = List.copyOf(settings);
        machine = List.copyOf(machine);
        timing = List.copyOf(timing);
        notes = List.copyOf(notes);
        commands = List.copyOf(commands);
    }

    /** A name and its value, as printed. */
    public record Fact(String name, String value) {}

    /**
     * Something that reads the features out.
     *
     * @param untrained null where the network has no such reader before it is trained
     */
    public record Reader(String name, Numbers trained, Numbers untrained) {}

    /** What a reader reaches on the test images; F1 at a threshold from training images. */
    public record Numbers(double auroc, double averagePrecision, double f1) {}

    /**
     * A label-free score.
     *
     * @param better which values are said to be better: higher, lower or near 1
     * @param trained null where it is undefined, as {@code untrained}
     * @param detail what it was computed with, or why it is undefined
     */
    public record LabelFreeScore(String name, String better, Double trained, Double untrained, String detail) {}

    /** A value at a step. */
    public record Point(double step, double value) {}

    /** Loss and learning rate over the steps of the pre-training, as logged. */
    public record Training(List<Point> loss, List<Point> learningRate) {
        public Training {
            loss = List.copyOf(loss);
            learningRate = List.copyOf(learningRate);
        }
    }

    /**
     * How many of the test images with a defect code were found.
     *
     * @param code e.g. {@code RB}
     * @param meaning e.g. "cracks, breaks, collapses"
     */
    public record CodeRecall(String code, String meaning, long images, long found, long foundUntrained) {
        public double recall() {
            return (double) found / images;
        }

        public double recallUntrained() {
            return (double) foundUntrained / images;
        }
    }

    /**
     * One test image.
     *
     * @param file its name
     * @param score of the pre-trained network's probe
     * @param codes defect codes annotated, empty for a sound image
     * @param thumbnail a data URI, see {@link Thumbnail}; for the page alone, not in the JSON
     */
    public record Picture(String file, double score, List<String> codes, @JsonIgnore String thumbnail) {
        public Picture {
            codes = List.copyOf(codes);
        }
    }
}
