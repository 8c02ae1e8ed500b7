package io.culvert.report;

import io.culvert.report.AnomalyReport.Point;
import io.culvert.report.Chart.Range;
import java.util.Arrays;
import java.util.List;
import java.util.stream.DoubleStream;

/** The report's charts as SVG. Class names tie them to the legend and the style sheet. */
final class Charts {
    private static final int WIDTH = 460;
    private static final int SQUARE = 360;
    private static final int FLAT = 250;
    private static final int WIDE = 940;
    /** From so many points on, a loss curve gets a moving average over it. */
    private static final int NOISY = 60;

    private Charts() {}

    static String roc(Evaluation trained, Evaluation untrained) {
        return new Chart(WIDTH, SQUARE, "ROC curves of the trained and the untrained network", Range.UNIT, Range.UNIT)
                .axes("share of sound frames called defective", "share of defective frames found", 5, 5)
                .straight("chance", 0, 0, 1, 1)
                .curve("curve untrained", untrained.roc().x(), untrained.roc().y())
                .curve("curve trained", trained.roc().x(), trained.roc().y())
                .close();
    }

    static String precisionRecall(Evaluation trained, Evaluation untrained) {
        String description = "Precision against recall of the trained and the untrained network";
        return new Chart(WIDTH, SQUARE, description, Range.UNIT, Range.UNIT)
                .axes("share of defective frames found (recall)", "share of alarms that are right (precision)", 5, 5)
                .straight("chance", 0, trained.prevalence(), 1, trained.prevalence())
                .curve("curve untrained", untrained.precisionRecall().x(), untrained.precisionRecall().y())
                .curve("curve trained", trained.precisionRecall().x(), trained.precisionRecall().y())
                .close();
    }

    static String scores(Evaluation evaluation, String network) {
        Evaluation.Histogram histogram = evaluation.scores();
        double top = DoubleStream.concat(Arrays.stream(histogram.sound()), Arrays.stream(histogram.defective())).max()
                .orElseThrow();
        // A threshold outside all scores is still shown.
        Range xs = new Range(histogram.low(), histogram.high());
        Chart chart = new Chart(WIDTH, FLAT, "Scores by class, " + network + " network", xs, new Range(0, 1.12 * top))
                .axes("score", "share of the class", 6, 4)
                .bins("area sound", histogram.sound())
                .bins("area defective", histogram.defective());
        if (evaluation.threshold() >= xs.low() && evaluation.threshold() <= xs.high()) {
            chart.marker(evaluation.threshold(), "threshold");
        }
        return chart.close();
    }

    static String loss(List<Point> points) {
        double[] x = points.stream().mapToDouble(Point::step).toArray();
        double[] y = points.stream().mapToDouble(Point::value).toArray();
        Chart chart = new Chart(WIDE, 300, "Loss over the steps of pre-training", steps(x), range(y))
                .axes("step", "", 8, 5);
        if (y.length < NOISY) {
            return chart.curve("curve trained", x, y).close();
        }
        return chart.curve("curve raw", x, y).curve("curve trained", x, smooth(y)).close();
    }

    static String learningRate(List<Point> points) {
        double[] x = points.stream().mapToDouble(Point::step).toArray();
        double[] y = points.stream().mapToDouble(Point::value).toArray();
        Range ys = new Range(0, 1.08 * Math.max(Arrays.stream(y).max().orElseThrow(), Double.MIN_NORMAL));
        return new Chart(WIDE, 170, "Learning rate over the steps of pre-training", steps(x), ys)
                .axes("step", "", 8, 4)
                .curve("curve quiet", x, y)
                .close();
    }

    /** From the start of the training to the last step logged. */
    private static Range steps(double[] steps) {
        return new Range(0, Math.max(1, Arrays.stream(steps).max().orElseThrow()));
    }

    /** The range of the values with a margin on both sides; never empty. */
    private static Range range(double[] values) {
        double low = Arrays.stream(values).min().orElseThrow();
        double high = Arrays.stream(values).max().orElseThrow();
        double margin = high > low ? 0.06 * (high - low) : Math.max(0.5, Math.abs(high) / 10);
        return new Range(low - margin, high + margin);
    }

    /** A centred moving average over a thirtieth of the curve, narrower towards its ends. */
    static double[] smooth(double[] values) {
        int half = Math.max(1, values.length / 60);
        double[] smooth = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            int reach = Math.min(half, Math.min(i, values.length - 1 - i));
            smooth[i] = Arrays.stream(values, i - reach, i + reach + 1).average().orElseThrow();
        }
        return smooth;
    }
}
