package io.culvert.train;

import io.culvert.CounterRng;
import io.culvert.CulvertException;
import io.culvert.data.GroupSplit;
import io.culvert.metric.Ranking;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
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
        return fit(train, labels, HeldOut.stratified(labels, options.validationShare, options.seed), options);
    }

    /**
     * Fits a probe on a part of the rows and chooses on another.
     *
     * @param split which; {@code options.validationShare} and its seed play no part
     */
    public static LinearProbe fit(Features train, int[] labels, HeldOut split, Options options) {
        train.requireFinite();
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

    /** Rows to fit on and rows held out, both ascending. */
    public record HeldOut(int[] fit, int[] validation) {
        /**
         * Holds out a share of each class.
         *
         * @throws CulvertException of kind DATA when a class has fewer than 2 images
         */
        public static HeldOut stratified(int[] labels, double share, long seed) {
            CounterRng rng = new CounterRng().key(seed, 0x5EED, 0, 0);
            int[][] fit = new int[2][];
            int[][] validation = new int[2][];
            for (int label = 0; label < 2; label++) {
                int[] rows = rows(labels, label);
                rng.shuffle(rows, rows.length);
                int held = Math.clamp(Math.round(share * rows.length), 1, rows.length - 1);
                validation[label] = Arrays.copyOf(rows, held);
                fit[label] = Arrays.copyOfRange(rows, held, rows.length);
            }
            return new HeldOut(join(fit), join(validation));
        }

        /**
         * Holds out whole groups, with about a share of each class and an image of each at least.
         *
         * @param groups each row's group, counted from 0
         * @throws CulvertException of kind DATA when a class has no images in 2 groups to part
         */
        public static HeldOut grouped(int[] labels, int[] groups, double share, long seed) {
            rows(labels, 0);
            rows(labels, 1);
            int[] marks = Arrays.stream(labels).map(label -> 1 << label).toArray();
            int wanted = (int) Math.round(share * labels.length);
            BitSet held = new BitSet(labels.length);
            IntStream.of(GroupSplit.take(groups, marks, wanted, seed)).forEach(held::set);
            BitSet fit = new BitSet(labels.length);
            fit.set(0, labels.length);
            fit.andNot(held);
            for (int label = 0; label < 2; label++) {
                lend(held, fit, labels, groups, label);
                lend(fit, held, labels, groups, label);
            }
            return new HeldOut(fit.stream().toArray(), held.stream().toArray());
        }

        /** Where {@code poor} has no row of this label, moves the smallest group there that leaves {@code rich} both. */
        private static void lend(BitSet poor, BitSet rich, int[] labels, int[] groups, int label) {
            if (poor.stream().anyMatch(row -> labels[row] == label)) {
                return;
            }
            Map<Integer, BitSet> members = new TreeMap<>();
            rich.stream().forEach(row -> members.computeIfAbsent(groups[row], group -> new BitSet()).set(row));
            BitSet smallest = members.values().stream()
                    .filter(group -> group.stream().anyMatch(row -> labels[row] == label))
                    .filter(group -> leavesBoth(rich, group, labels))
                    .min(Comparator.comparingInt(BitSet::cardinality))
                    .orElseThrow(() -> CulvertException.data("data.group_by: the images with label %d lie in too few groups to"
                            + " hold whole ones out for the probe: take more images", label));
            rich.andNot(smallest);
            poor.or(smallest);
        }

        private static boolean leavesBoth(BitSet rows, BitSet group, int[] labels) {
            BitSet rest = (BitSet) rows.clone();
            rest.andNot(group);
            return rest.stream().map(row -> labels[row]).distinct().count() == 2;
        }

        private static int[] rows(int[] labels, int label) {
            int[] rows = IntStream.range(0, labels.length).filter(i -> labels[i] == label).toArray();
            if (rows.length < 2) {
                throw CulvertException.data("the linear probe needs at least 2 images of each class, got %d with "
                        + "label %d", rows.length, label);
            }
            return rows;
        }

        private static int[] join(int[][] parts) {
            return Arrays.stream(parts).flatMapToInt(Arrays::stream).sorted().toArray();
        }
    }
}
