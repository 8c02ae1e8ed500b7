package io.culvert.metric;

import io.culvert.CulvertException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** One metric by name on named arrays, as the conformance vectors of kind {@code metric} state it. */
public final class MetricCase {
    private static final Map<String, ToDoubleFunction<MetricCase>> METRICS = new LinkedHashMap<>();

    static {
        METRICS.put("auroc", c -> c.ranking().auroc());
        METRICS.put("average_precision", c -> c.ranking().averagePrecision());
        METRICS.put("best_f1", c -> c.ranking().bestF1().f1());
        METRICS.put("f1", c -> c.confusion().f1());
        METRICS.put("fbeta", c -> c.confusion().fBeta(c.number("beta", null)));
        METRICS.put("balanced_accuracy", c -> c.confusion().balancedAccuracy());
        METRICS.put("recall_at_false_alarms", c -> c.ranking().recallAtFalseAlarms(c.number("rate", null)));
        METRICS.put("false_alarms_at_recall", c -> c.ranking().falseAlarmsAtRecall(c.number("recall", null)));
        METRICS.put("calibration_error", c -> Calibration.error(c.ranking(), (int) c.number("bins", 15.0)));
        METRICS.put("brier", c -> Calibration.brier(c.ranking()));
        METRICS.put("log_loss", c -> Calibration.logLoss(c.ranking()));
        METRICS.put("f2_ciw", c -> c.multiLabel().f2Ciw(c.weights()));
        METRICS.put("f1_normal", c -> c.multiLabel().f1Normal());
        METRICS.put("binary_f2_ciw", c -> MultiLabel.binaryF2Ciw(
                c.vector("scores").values, c.labels("labels", 2), c.number("threshold", 0.5), c.weights()));
        METRICS.put("rankme", c -> Spectrum.rankMe(c.embeddings().singularValues(), c.number("eps", 1e-7)));
        METRICS.put("alpha_req", c -> c.powerLaw().alpha());
        METRICS.put("alpha_req_r2", c -> c.powerLaw().r2());
        for (LabelFree score : LabelFree.values()) {
            METRICS.putIfAbsent(score.key(), c -> score.of(c.embeddings()));
        }
        METRICS.put("spearman", c -> Correlation.spearman(c.vector("x").values, c.vector("y").values));
        METRICS.put("kendall", c -> Correlation.kendall(c.vector("x").values, c.vector("y").values));
        METRICS.put("sign_flip_p", c -> PairedTest.of(c.vector("x").values, c.vector("y").values, 0, 0).p());
        METRICS.put("holm", c -> Multiplicity.holm(c.vector("p").values)[(int) c.number("index", null)]);
        METRICS.put("benjamini_hochberg",
                c -> Multiplicity.benjaminiHochberg(c.vector("p").values)[(int) c.number("index", null)]);
    }

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
     * {@code f1_normal}, of {@code [n]} and {@code [n, classes]} for {@code binary_f2_ciw}; {@code embeddings} of
     * {@code [n, d]}, and {@code views} of {@code [m, q, d]} where they are needed, for label-free scores; {@code x}
     * and {@code y} for correlations and paired tests; {@code p} for adjusted p-values. Parameters: {@code threshold}
     * (default 0.5), {@code beta}, {@code rate}, {@code recall}, {@code bins} (default 15), {@code eps} (default 1e-7,
     * RankMe), {@code first} and {@code last} (alpha-ReQ's window, default all), {@code weighted} (alpha-ReQ, default
     * 0), {@code index} (which adjusted p-value).
     *
     * @param classWeights importance of each class for {@code f2_ciw}; {@code params.weights} overrides it
     * @throws CulvertException of kind DATA when the name is unknown, an input or parameter is missing or does not
     *     fit, or the metric is undefined for these inputs
     */
    public static double evaluate(String name, Map<String, Object> params, Map<String, Array> inputs,
            double[] classWeights) {
        if (!METRICS.containsKey(name)) {
            throw CulvertException.data("unknown metric '%s'; known: %s", name, String.join(", ", METRICS.keySet()));
        }
        return METRICS.get(name).applyAsDouble(new MetricCase(name, params, inputs, classWeights));
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

    private Embeddings embeddings() {
        Array z = input("embeddings", 2);
        if (!inputs.containsKey("views")) {
            return Embeddings.of(z.values, z.shape[0], z.shape[1]);
        }
        Array views = input("views", 3);
        return new Embeddings(z.values, z.shape[0], z.shape[1], views.values, views.shape[0], views.shape[1]);
    }

    private Spectrum.PowerLaw powerLaw() {
        double[] eigenvalues = embeddings().eigenvalues();
        return Spectrum.powerLaw(eigenvalues, (int) number("first", 1.0),
                (int) number("last", (double) eigenvalues.length), number("weighted", 0.0) != 0);
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
