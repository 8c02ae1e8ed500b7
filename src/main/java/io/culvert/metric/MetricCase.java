package io.culvert.metric;

import io.culvert.CulvertException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** One metric by name on named arrays, as the conformance vectors of kind {@code metric} state it. */
public final class MetricCase {
    private static final List<String> NAMES = List.of("auroc", "average_precision", "f1", "fbeta", "best_f1",
            "balanced_accuracy", "recall_at_false_alarms", "false_alarms_at_recall", "calibration_error", "brier", "log_loss",
            "f2_ciw", "f1_normal", "binary_f2_ciw", "rankme", "stable_rank", "alpha_req", "nesum",
            "participation_ratio", "spearman", "kendall");

    private final String name;
    private final Map<String, Object> params;
    private final Map<String, Array> inputs;
    private final double[] classWeights;

    private MetricCase(String name, Map<String, Object> params, Map<String, Array> inputs, double[] classWeights) {
        this.name = name;
        this.params = params;
        this.inputs = inputs;
        this.classWeights = classWeights;
    }

    /** An input, row by row. Labels are whole numbers held as doubles. */
    public record Array(double[] values, int... shape) {
        /** Labels as the vectors hold them. */
        public static Array of(long[] values, int... shape) {
            return new Array(Arrays.stream(values).asDoubleStream().toArray(), shape);
        }

        /** Scores or features as the vectors hold them. */
        public static Array of(float[] values, int... shape) {
            double[] wide = new double[values.length];
            for (int i = 0; i < wide.length; i++) {
                wide[i] = values[i];
            }
            return new Array(wide, shape);
        }
    }

    /**
     * The metric's value.
     *
     * <p>Inputs: {@code scores} and {@code labels} of {@code [n]}, or of {@code [n, classes]} for {@code f2_ciw} and
     * {@code f1_normal}, of {@code [n]} and {@code [n, classes]} for {@code binary_f2_ciw}; {@code embeddings} of {@code [n, d]} for those read off a spectrum; {@code x} and {@code y}
     * for correlations. Parameters: {@code threshold} (default 0.5), {@code beta}, {@code rate}, {@code recall}, {@code bins} (default 15), {@code eps} (default 1e-7, RankMe),
     * {@code first} and {@code last} (alpha-ReQ's window, default all).
     *
     * @param classWeights importance of each class for {@code f2_ciw}; {@code params.weights} overrides it
     * @throws CulvertException of kind DATA when the name is unknown, an input or parameter is missing or does not
     *     fit, or the metric is undefined for these inputs
     */
    public static double evaluate(String name, Map<String, Object> params, Map<String, Array> inputs,
            double[] classWeights) {
        if (!NAMES.contains(name)) {
            throw CulvertException.data("unknown metric '%s'; known: %s", name, String.join(", ", NAMES));
        }
        return new MetricCase(name, params, inputs, classWeights).value();
    }

    private double value() {
        return switch (name) {
            case "auroc" -> ranking().auroc();
            case "average_precision" -> ranking().averagePrecision();
            case "best_f1" -> ranking().bestF1().f1();
            case "f1" -> confusion().f1();
            case "fbeta" -> confusion().fBeta(number("beta", null));
            case "balanced_accuracy" -> confusion().balancedAccuracy();
            case "recall_at_false_alarms" -> ranking().recallAtFalseAlarms(number("rate", null));
            case "false_alarms_at_recall" -> ranking().falseAlarmsAtRecall(number("recall", null));
            case "calibration_error" -> Calibration.error(ranking(), (int) number("bins", 15.0));
            case "brier" -> Calibration.brier(ranking());
            case "log_loss" -> Calibration.logLoss(ranking());
            case "f2_ciw" -> multiLabel().f2Ciw(weights());
            case "f1_normal" -> multiLabel().f1Normal();
            case "binary_f2_ciw" -> MultiLabel.binaryF2Ciw(vector("scores").values, labels("labels", 2), number("threshold", 0.5),
                    weights());
            case "rankme" -> Spectrum.rankMe(singularValues(), number("eps", 1e-7));
            case "stable_rank" -> Spectrum.stableRank(singularValues());
            case "alpha_req" -> alphaReq();
            case "nesum" -> Spectrum.neSum(eigenvalues());
            case "participation_ratio" -> Spectrum.participationRatio(eigenvalues());
            case "spearman" -> Correlation.spearman(vector("x").values, vector("y").values);
            case "kendall" -> Correlation.kendall(vector("x").values, vector("y").values);
            default -> throw new AssertionError(name);
        };
    }

    private Ranking ranking() {
        return Ranking.of(vector("scores").values, labels("labels", 1));
    }

    private Confusion confusion() {
        return Confusion.at(number("threshold", 0.5), vector("scores").values, labels("labels", 1));
    }

    private MultiLabel multiLabel() {
        Array scores = input("scores", 2);
        return new MultiLabel(scores.values, labels("labels", 2), scores.shape[1], number("threshold", 0.5));
    }

    private double[] singularValues() {
        Array z = input("embeddings", 2);
        return Spectrum.singularValues(z.values, z.shape[0], z.shape[1]);
    }

    private double[] eigenvalues() {
        Array z = input("embeddings", 2);
        return Spectrum.covarianceEigenvalues(z.values, z.shape[0], z.shape[1]);
    }

    private double alphaReq() {
        double[] eigenvalues = eigenvalues();
        return Spectrum.alphaReq(eigenvalues, (int) number("first", 1.0),
                (int) number("last", (double) eigenvalues.length));
    }

    private double[] weights() {
        if (params.get("weights") instanceof List<?> list) {
            return list.stream().mapToDouble(w -> asNumber("weights", w)).toArray();
        }
        return classWeights;
    }

    private Array vector(String input) {
        return input(input, 1);
    }

    private Array input(String input, int rank) {
        Array array = inputs.get(input);
        if (array == null) {
            throw CulvertException.data("%s: input '%s' is missing; there are %s", name, input, inputs.keySet());
        }
        if (array.shape.length != rank || size(array.shape) != array.values.length) {
            throw CulvertException.data("%s: input '%s' must have %d axes, its shape is %s with %d values", name, input,
                    rank, Arrays.toString(array.shape), array.values.length);
        }
        return array;
    }

    private static long size(int[] shape) {
        return Arrays.stream(shape).asLongStream().reduce(1, (a, b) -> a * b);
    }

    private int[] labels(String input, int rank) {
        double[] values = input(input, rank).values;
        int[] labels = new int[values.length];
        for (int i = 0; i < labels.length; i++) {
            labels[i] = (int) values[i];
            if (labels[i] != values[i]) {
                throw CulvertException.data("%s: label %d is %s: labels are 0 or 1", name, i, values[i]);
            }
        }
        return labels;
    }

    private double number(String key, Double fallback) {
        Object value = params.get(key);
        if (value == null && fallback == null) {
            throw CulvertException.data("%s: parameter '%s' is missing", name, key);
        }
        return value == null ? fallback : asNumber(key, value);
    }

    private double asNumber(String key, Object value) {
        if (value instanceof Number number) {
            return number.doubleValue();
        }
        throw CulvertException.data("%s: parameter '%s' must be a number, got '%s'", name, key, value);
    }
}
