package io.culvert.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** What the page's template reads: the report, its sentences, and its charts as SVG. */
public record ReportPage(AnomalyReport report, String css) {
    /**
     * A row of the comparison.
     *
     * @param meaning what the number says, in a line
     * @param trainedDetail a second line under the trained value, or empty
     * @param untrainedDetail the same under the untrained value
     * @param better whether the pre-trained network is at least as good
     */
    public record MetricRow(
            String name,
            String meaning,
            String trained,
            String trainedDetail,
            String untrained,
            String untrainedDetail,
            String difference,
            boolean better) {}

    /** How the result reads against its own uncertainty and against the untrained network. */
    public String verdict() {
        Evaluation trained = report.trained();
        Evaluation untrained = report.untrained();
        String gap = String.format(Locale.ROOT, "%.1f", 100 * Math.abs(trained.auroc() - untrained.auroc()));
        if (trained.overlaps(untrained)) {
            return "A gap of " + gap + " points, but the 95\u202f% intervals overlap: on "
                    + Text.count(trained.images()) + " test frames it may be chance.";
        }
        return trained.auroc() > untrained.auroc()
                ? "Pre-training adds " + gap + " points, and the 95\u202f% intervals do not overlap."
                : "Pre-training costs " + gap + " points here, and the 95\u202f% intervals do not overlap.";
    }

    /** The comparison of both networks. */
    public List<MetricRow> metrics() {
        List<MetricRow> rows = new ArrayList<>();
        rows.add(row("AUROC", "How often a defective frame scores above a sound one. 0.5 is guessing, 1 is perfect.",
                Evaluation::auroc, interval(report.trained()), interval(report.untrained())));
        rows.add(plain("Average precision", "Precision averaged over all thresholds. Guessing gives the share of "
                + "defective frames, " + Text.score(report.trained().prevalence()) + ".",
                Evaluation::averagePrecision));
        rows.add(row("F1", "Harmonic mean of precision and recall, at the threshold chosen on training frames.",
                Evaluation::f1, threshold(report.trained()), threshold(report.untrained())));
        rows.add(plain("Precision", "Of the frames called defective, the share that is.", Evaluation::precision));
        rows.add(plain("Recall", "Of the defective frames, the share called so.", Evaluation::recall));
        rows.add(plain("Specificity", "Of the sound frames, the share called so.", Evaluation::specificity));
        rows.add(plain("Balanced accuracy", "Mean of recall and specificity: no class counts for more. 0.5 is "
                + "guessing.", Evaluation::balancedAccuracy));
        return rows;
    }

    private MetricRow plain(String name, String meaning, ToDoubleFunction<Evaluation> metric) {
        return row(name, meaning, metric, "", "");
    }

    private MetricRow row(String name, String meaning, ToDoubleFunction<Evaluation> metric, String trainedDetail,
            String untrainedDetail) {
        double trained = metric.applyAsDouble(report.trained());
        double untrained = metric.applyAsDouble(report.untrained());
        return new MetricRow(name, meaning, Text.score(trained), trainedDetail, Text.score(untrained), untrainedDetail,
                Text.difference(trained - untrained), trained >= untrained);
    }

    private static String interval(Evaluation evaluation) {
        return Text.score(evaluation.aurocLow()) + "\u2013" + Text.score(evaluation.aurocHigh());
    }

    private static String threshold(Evaluation evaluation) {
        return "score \u2265 " + Text.tick(evaluation.threshold());
    }

    public String roc() {
        return Charts.roc(report.trained(), report.untrained());
    }

    public String precisionRecall() {
        return Charts.precisionRecall(report.trained(), report.untrained());
    }

    public String trainedScores() {
        return Charts.scores(report.trained(), "trained");
    }

    public String untrainedScores() {
        return Charts.scores(report.untrained(), "untrained");
    }

    public String loss() {
        return Charts.loss(report.training().loss());
    }

    public String learningRate() {
        return Charts.learningRate(report.training().learningRate());
    }
}
