package io.culvert.train;

import io.culvert.CounterRng;
import io.culvert.CulvertException;
import io.culvert.metric.Ranking;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A linear probe: logistic regression on frozen features, what a representation knows about defects that a straight
 * cut can read out. Features are standardised with the statistics of the fitting part, classes weighed alike, the L2
 * penalty is the one whose scores rank a held-out part of the training images best, and the threshold the one with the
 * best F1 on that part. Test images take no part in any choice.
 *
 * @param weight one a feature, on features as they come from the network (the standardisation is folded in)
 * @param bias added to every score
 * @param threshold {@code score >= threshold} means defective
 * @param lambda the penalty chosen: {@code lambda / 2 |w|^2} beside the mean loss
 * @param validationAuroc how well the held-out part was ranked
 */
public record LinearProbe(float[] weight, float bias, double threshold, double lambda, double validationAuroc) {
    /**
     * How to fit.
     *
     * @param lambdas the penalties to try
     * @param validationShare share of each class held out to choose among them, in (0, 1)
     * @param balanced weigh a positive by negatives / positives
     * @param seed decides which images are held out
     */
    public record Options(List<Double> lambdas, double validationShare, boolean balanced, long seed) {
        /** Six decades of penalty, a fifth held out, classes balanced. */
        public static Options defaults(long seed) {
            return new Options(List.of(1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5), 0.2, true, seed);
        }

        public Options {
            if (lambdas.isEmpty() || lambdas.stream().anyMatch(l -> !(l > 0))) {
                throw CulvertException.usage("the probe's penalties must be above 0, got %s", lambdas);
            }
            if (!(validationShare > 0 && validationShare < 1)) {
                throw CulvertException.usage("the probe's validation share must be between 0 and 1, got %s",
                        validationShare);
            }
            lambdas = lambdas.stream().sorted((a, b) -> Double.compare(b, a)).toList();
        }
    }

    /**
     * Fits a probe.
     *
     * @param labels 0 or 1, one a row
     * @throws CulvertException of kind DATA when a class has fewer than 2 images, DIVERGED when a feature is not finite
     */
    public static LinearProbe fit(Features train, int[] labels, Options options) {
        train.requireFinite();
        HeldOut split = HeldOut.stratified(labels, options.validationShare, options.seed);
        double positives = Arrays.stream(split.fit()).filter(i -> labels[i] == 1).count();
        double weight = options.balanced ? (split.fit().length - positives) / positives : 1;
        LogisticLoss loss = new LogisticLoss(train, split.fit(), labels, weight);
        int[] heldOutLabels = Arrays.stream(split.validation()).map(i -> labels[i]).toArray();
        double[] parameters = new double[loss.size()];
        LinearProbe best = null;
        // From the strongest penalty on, each fit starts where the last one ended; a weaker one must rank better.
        for (double lambda : options.lambdas) {
            NewtonCg.minimize(loss, lambda, parameters);
            LinearProbe probe = choose(train, loss, parameters, lambda, split.validation(), heldOutLabels);
            if (best == null || probe.validationAuroc > best.validationAuroc) {
                best = probe;
            }
        }
        return best;
    }

    private static LinearProbe choose(Features train, LogisticLoss loss, double[] parameters, double lambda,
            int[] heldOut, int[] heldOutLabels) {
        double[] wide = new double[train.width()];
        float bias = (float) loss.unstandardize(parameters, wide);
        float[] weight = new float[wide.length];
        for (int j = 0; j < wide.length; j++) {
            weight[j] = (float) wide[j];
        }
        // Threshold and AUROC come from the weights as they are stored, so that a probe read back decides alike.
        LinearProbe unset = new LinearProbe(weight, bias, 0, lambda, 0);
        Ranking ranking = Ranking.of(unset.scores(train, heldOut), heldOutLabels);
        return new LinearProbe(weight, bias, ranking.bestF1().threshold(), lambda, ranking.auroc());
    }

    /** The log-odds of a defect for each row; higher is more likely defective. */
    public double[] scores(Features features) {
        int[] rows = new int[features.rows()];
        Arrays.setAll(rows, i -> i);
        return scores(features, rows);
    }

    double[] scores(Features features, int[] rows) {
        if (features.width() != weight.length) {
            throw CulvertException.data("the probe was fitted on %d features, these are %d: use the encoder it was "
                    + "fitted with", weight.length, features.width());
        }
        double[] wide = new double[weight.length];
        Arrays.setAll(wide, j -> weight[j]);
        double[] scores = new double[rows.length];
        Arrays.parallelSetAll(scores, i -> features.score(rows[i], wide, bias));
        return scores;
    }

    /** Rows to fit on and rows held out. */
    record HeldOut(int[] fit, int[] validation) {
        static HeldOut stratified(int[] labels, double share, long seed) {
            CounterRng rng = new CounterRng().key(seed, 0x5EED, 0, 0);
            int[][] fit = new int[2][];
            int[][] validation = new int[2][];
            for (int label = 0; label < 2; label++) {
                int wanted = label;
                int[] rows = IntStream.range(0, labels.length)
                        .filter(i -> labels[i] == wanted).toArray();
                if (rows.length < 2) {
                    throw CulvertException.data("the linear probe needs at least 2 images of each class, got %d with "
                            + "label %d", rows.length, label);
                }
                rng.shuffle(rows, rows.length);
                int held = Math.clamp(Math.round(share * rows.length), 1, rows.length - 1);
                validation[label] = Arrays.copyOf(rows, held);
                fit[label] = Arrays.copyOfRange(rows, held, rows.length);
            }
            return new HeldOut(join(fit), join(validation));
        }

        private static int[] join(int[][] parts) {
            return Arrays.stream(parts).flatMapToInt(Arrays::stream).sorted().toArray();
        }
    }
}
