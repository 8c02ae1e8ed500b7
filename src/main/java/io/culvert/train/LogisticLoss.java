package io.culvert.train;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The objective of L2-regularised logistic regression on standardised features:
 * {@code f(w, b) = sum c_i (ln(1 + exp m_i) - y_i m_i) / sum c_i + lambda / 2 |w|^2} with
 * {@code m_i = w . (x_i - mean) / deviation + b}. The intercept {@code b} is the last parameter and is not penalised.
 * With {@code C = 1 / (lambda sum c_i)} the minimum is that of scikit-learn's {@code LogisticRegression}.
 *
 * <p>Features are standardised inside the sums, never copied. Rows are summed in chunks whose number depends on the
 * rows alone, so the result repeats bit for bit whatever the threads.
 */
final class LogisticLoss {
    private static final int CHUNK_ROWS = 256;
    private static final int MAX_CHUNKS = 64;

    private final Features features;
    private final int[] rows;
    private final int[] labels;
    private final double[] classWeight;
    private final double totalWeight;
    private final double[] mean;
    private final double[] deviation;
    private final double[] residual;
    private final double[] curvature;
    private final double[][] partial;
    private final double[] folded;

    /**
     * The loss over some rows.
     *
     * @param rows the rows of the features to fit
     * @param labels 0 or 1 for every row of the features
     * @param positiveWeight {@code c} of a positive; a negative has 1
     */
    LogisticLoss(Features features, int[] rows, int[] labels, double positiveWeight) {
        this.features = features;
        this.rows = rows;
        this.labels = labels;
        this.classWeight = new double[] {1, positiveWeight};
        this.totalWeight = Arrays.stream(rows).mapToDouble(r -> classWeight[labels[r]]).sum();
        this.residual = new double[rows.length];
        this.curvature = new double[rows.length];
        int chunks = Math.clamp((rows.length + CHUNK_ROWS - 1) / CHUNK_ROWS, 1, MAX_CHUNKS);
        this.partial = new double[chunks][features.width() + 2];
        this.folded = new double[features.width()];
        this.mean = columnMeans();
        this.deviation = columnDeviations();
    }

    /** Body of a sum: adds row {@code i} of the loss to {@code sum}. */
    private interface RowSum {
        void add(int i, double[] sum);
    }

    int size() {
        return features.width() + 1;
    }

    /** {@code f(parameters)}; writes its gradient, and keeps the curvature there for {@link #hessianTimes}. */
    double evaluate(double[] parameters, double lambda, double[] gradient) {
        double bias = fold(parameters);
        int width = features.width();
        double[] total = sum((i, sum) -> {
            int row = rows[i];
            double margin = features.score(row, folded, bias);
            double weight = classWeight[labels[row]];
            double probability = 1 / (1 + Math.exp(-margin));
            residual[i] = weight * (probability - labels[row]);
            curvature[i] = weight * probability * (1 - probability);
            features.accumulate(row, residual[i], sum);
            sum[width] += residual[i];
            sum[width + 1] += weight * (softplus(margin) - labels[row] * margin);
        });
        unfold(total, parameters, lambda, gradient);
        double norm = 0;
        for (int j = 0; j < width; j++) {
            norm += parameters[j] * parameters[j];
        }
        return total[width + 1] / totalWeight + lambda / 2 * norm;
    }

    /** The Hessian at the parameters last evaluated, times {@code direction}. */
    void hessianTimes(double[] direction, double lambda, double[] result) {
        double bias = fold(direction);
        int width = features.width();
        double[] total = sum((i, sum) -> {
            double factor = curvature[i] * features.score(rows[i], folded, bias);
            features.accumulate(rows[i], factor, sum);
            sum[width] += factor;
        });
        unfold(total, direction, lambda, result);
    }

    /** Weights on the features as they are, the standardisation folded in; the bias is returned. */
    double unstandardize(double[] parameters, double[] weight) {
        double bias = fold(parameters);
        System.arraycopy(folded, 0, weight, 0, weight.length);
        return bias;
    }

    private double fold(double[] parameters) {
        double bias = parameters[folded.length];
        for (int j = 0; j < folded.length; j++) {
            folded[j] = parameters[j] / deviation[j];
            bias -= folded[j] * mean[j];
        }
        return bias;
    }

    /** The sums over raw features to the gradient on standardised ones. */
    private void unfold(double[] total, double[] parameters, double lambda, double[] result) {
        int width = features.width();
        for (int j = 0; j < width; j++) {
            double standardized = (total[j] - mean[j] * total[width]) / deviation[j];
            result[j] = standardized / totalWeight + lambda * parameters[j];
        }
        result[width] = total[width] / totalWeight;
    }

    private double[] sum(RowSum body) {
        IntStream chunks = IntStream.range(0, partial.length);
        chunks.parallel().forEach(chunk -> {
            double[] sum = partial[chunk];
            Arrays.fill(sum, 0);
            int end = (int) ((chunk + 1L) * rows.length / partial.length);
            for (int i = (int) ((long) chunk * rows.length / partial.length); i < end; i++) {
                body.add(i, sum);
            }
        });
        double[] total = partial[0];
        for (int chunk = 1; chunk < partial.length; chunk++) {
            for (int j = 0; j < total.length; j++) {
                total[j] += partial[chunk][j];
            }
        }
        return total;
    }

    private double[] columnMeans() {
        double[] total = sum((i, sum) -> features.accumulate(rows[i], 1, sum));
        return Arrays.stream(total, 0, features.width()).map(s -> s / rows.length).toArray();
    }

    /** Standard deviations with divisor n; 1 for a column that does not vary, as scikit-learn's StandardScaler. */
    private double[] columnDeviations() {
        int width = features.width();
        double[] total = sum((i, sum) -> {
            int base = rows[i] * width;
            for (int j = 0; j < width; j++) {
                double centred = features.values()[base + j] - mean[j];
                sum[j] += centred * centred;
            }
        });
        double[] deviations = new double[width];
        for (int j = 0; j < width; j++) {
            double spread = Math.sqrt(total[j] / rows.length);
            // What is left of a constant column is the rounding of its mean.
            deviations[j] = spread > 1e-12 * Math.abs(mean[j]) ? spread : 1;
        }
        return deviations;
    }

    /** {@code ln(1 + exp m)} without overflow. */
    static double softplus(double m) {
        return Math.max(m, 0) + Math.log1p(Math.exp(-Math.abs(m)));
    }
}
