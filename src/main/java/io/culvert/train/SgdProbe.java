package io.culvert.train;

import io.culvert.CounterRng;
import io.culvert.optim.WarmupCosine;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The linear probe of the imbalance study (arXiv 2410.04289), on frozen features: one logit, binary cross-entropy with
 * defects weighed by normals / defects, Adam over shuffled batches, warm-up and cosine; a logit above 0 means defective.
 * The study fits it while the encoder trains, on augmented views; here it sees what every probe sees.
 */
final class SgdProbe {
    private static final int BATCH = 256;
    private static final double BETA1 = 0.9;
    private static final double EPS = 1e-8;
    /** The study's: 10 of 45 epochs. */
    private static final double WARMUP_SHARE = 10.0 / 45;

    private static final double MIN_LR = 1e-6;
    private static final int PURPOSE = 0x56D;

    /**
     * How to fit.
     *
     * @param lr peak learning rate for batches of 256
     * @param beta2 decay of the squared gradients; the published code has 0, which makes a step near a gradient of 0
     *     unbounded
     * @param seed decides the initial weights and the order
     */
    record Options(int epochs, double lr, double beta2, long seed) {}

    private final Features features;
    private final int[] labels;
    private final Options options;
    private final double positiveWeight;
    private final double[] weight;
    private final double[] first;
    private final double[] second;
    private final double[] gradient;
    private int steps;

    private SgdProbe(Features features, int[] labels, Options options) {
        this.features = features;
        this.labels = labels;
        this.options = options;
        double positives = Arrays.stream(labels).sum();
        positiveWeight = (labels.length - positives) / positives;
        // The bias is the last.
        weight = new double[features.width() + 1];
        first = new double[weight.length];
        second = new double[weight.length];
        gradient = new double[weight.length];
    }

    /** Fits a probe on all rows; its threshold is 0, and it holds nothing out. */
    static LinearProbe fit(Features train, int[] labels, Options options) {
        train.requireFinite();
        SgdProbe probe = new SgdProbe(train, labels, options);
        probe.train();
        float[] weight = new float[train.width()];
        for (int j = 0; j < weight.length; j++) {
            weight[j] = (float) probe.weight[j];
        }
        return new LinearProbe(weight, (float) probe.weight[weight.length], 0, 0, Double.NaN);
    }

    private void train() {
        CounterRng rng = new CounterRng().key(options.seed, PURPOSE, 0, 0);
        double bound = 1 / Math.sqrt(features.width());
        Arrays.setAll(weight, j -> rng.uniform(-bound, bound));
        int[] order = IntStream.range(0, features.rows()).toArray();
        int stepsPerEpoch = Math.ceilDiv(order.length, BATCH);
        double scaled = options.lr * Math.min(BATCH, order.length) / 256;
        WarmupCosine schedule = new WarmupCosine(
                scaled, scaled / 2, Math.min(MIN_LR, scaled), (int) (WARMUP_SHARE * options.epochs * stepsPerEpoch),
                options.epochs * stepsPerEpoch);
        for (int epoch = 0; epoch < options.epochs; epoch++) {
            rng.key(options.seed, PURPOSE, 1, epoch).shuffle(order, order.length);
            for (int from = 0; from < order.length; from += BATCH) {
                gradient(order, from, Math.min(order.length, from + BATCH));
                step(schedule.at(steps));
            }
        }
    }

    private void gradient(int[] order, int from, int to) {
        Arrays.fill(gradient, 0);
        int bias = weight.length - 1;
        for (int i = from; i < to; i++) {
            int row = order[i];
            double probability = 1 / (1 + Math.exp(-features.score(row, weight, weight[bias])));
            double weightOfClass = labels[row] == 1 ? positiveWeight : 1;
            double error = weightOfClass * (probability - labels[row]) / (to - from);
            features.accumulate(row, error, gradient);
            gradient[bias] += error;
        }
    }

    private void step(double rate) {
        steps++;
        double scale1 = 1 - Math.pow(BETA1, steps);
        double scale2 = 1 - Math.pow(options.beta2, steps);
        for (int j = 0; j < weight.length; j++) {
            first[j] = BETA1 * first[j] + (1 - BETA1) * gradient[j];
            second[j] = options.beta2 * second[j] + (1 - options.beta2) * gradient[j] * gradient[j];
            weight[j] -= rate * (first[j] / scale1) / (Math.sqrt(second[j] / scale2) + EPS);
        }
    }
}
