package io.culvert.metric;

import io.culvert.CulvertException;
import java.util.Arrays;

/**
 * Labelled scores put in order once, highest first, with tied scores as one group: the common base of AUROC, average
 * precision, the best F1 and both curves. Group {@code g} holds the counts of everything at or above
 * {@code threshold(g)}.
 */
public final class Ranking {
    private final double[] thresholds;
    private final long[] truePositives;
    private final long[] falsePositives;
    private final long positives;
    private final long negatives;

    private Ranking(double[] thresholds, long[] truePositives, long[] falsePositives) {
        this.thresholds = thresholds;
        this.truePositives = truePositives;
        this.falsePositives = falsePositives;
        int last = thresholds.length - 1;
        this.positives = last < 0 ? 0 : truePositives[last];
        this.negatives = last < 0 ? 0 : falsePositives[last];
    }

    /** A threshold and the F1 it gives. */
    public record BestF1(double f1, double threshold) {}

    /** Points of a curve, in the order of falling thresholds. */
    public record Curve(double[] x, double[] y) {}

    /**
     * Orders the scores.
     *
     * @throws CulvertException of kind DATA for a NaN score, a label other than 0 and 1, or lengths that differ
     */
    public static Ranking of(double[] scores, int[] labels) {
        Labels.check(scores, labels);
        int[] order = Order.descending(scores);
        double[] thresholds = new double[scores.length];
        long[] tp = new long[scores.length];
        long[] fp = new long[scores.length];
        int groups = 0;
        long positives = 0;
        for (int i = 0; i < order.length; i++) {
            positives += labels[order[i]];
            double score = scores[order[i]];
            // `==` also ties 0.0 with -0.0, which the sort tells apart.
            if (i + 1 == order.length || scores[order[i + 1]] != score) {
                thresholds[groups] = score;
                tp[groups] = positives;
                fp[groups] = i + 1 - positives;
                groups++;
            }
        }
        return new Ranking(Arrays.copyOf(thresholds, groups), Arrays.copyOf(tp, groups), Arrays.copyOf(fp, groups));
    }

    public long positives() {
        return positives;
    }

    public long negatives() {
        return negatives;
    }

    /** The number of distinct scores. */
    public int groups() {
        return thresholds.length;
    }

    public double threshold(int group) {
        return thresholds[group];
    }

    /** The counts when everything at or above {@code threshold(group)} is called positive. */
    public Confusion confusion(int group) {
        long tp = truePositives[group];
        long fp = falsePositives[group];
        return new Confusion(tp, fp, negatives - fp, positives - tp);
    }

    /**
     * The probability that a positive outranks a negative, ties counted half: scikit-learn's {@code roc_auc_score}.
     *
     * @throws CulvertException of kind DATA when one class is empty (scikit-learn warns and gives NaN)
     */
    public double auroc() {
        Labels.requireBoth("AUROC", positives, negatives);
        // Twice the area in whole pairs: exact below 2^63, so the only rounding is the last division.
        long twice = 0;
        for (int g = 0; g < groups(); g++) {
            long belowTp = g == 0 ? 0 : truePositives[g - 1];
            long belowFp = g == 0 ? 0 : falsePositives[g - 1];
            twice += (falsePositives[g] - belowFp) * (truePositives[g] + belowTp);
        }
        return twice / (2.0 * positives * negatives);
    }

    /**
     * {@code sum (R_g - R_{g-1}) P_g} over falling thresholds, no interpolation: scikit-learn's
     * {@code average_precision_score}.
     *
     * @throws CulvertException of kind DATA when there is no positive (scikit-learn warns and gives 0)
     */
    public double averagePrecision() {
        if (positives == 0) {
            throw CulvertException.data("average precision needs at least one positive, got none in %d", negatives);
        }
        double sum = 0;
        long before = 0;
        for (int g = 0; g < groups(); g++) {
            sum += (truePositives[g] - before) * confusion(g).precision();
            before = truePositives[g];
        }
        return sum / positives;
    }

    /**
     * The highest F1 over all thresholds {@code score >= t}, with the highest threshold that reaches it. Without
     * positives F1 is 0 everywhere.
     *
     * @throws CulvertException of kind DATA when there are no scores
     */
    public BestF1 bestF1() {
        if (groups() == 0) {
            throw CulvertException.data("the best F1 needs at least one score, got none");
        }
        BestF1 best = new BestF1(confusion(0).f1(), thresholds[0]);
        for (int g = 1; g < groups(); g++) {
            double f1 = confusion(g).f1();
            if (f1 > best.f1) {
                best = new BestF1(f1, thresholds[g]);
            }
        }
        return best;
    }

    /** False-positive rate (x) against true-positive rate (y), from (0, 0) to (1, 1). Needs both classes. */
    public Curve roc() {
        Labels.requireBoth("the ROC curve", positives, negatives);
        double[] x = new double[groups() + 1];
        double[] y = new double[groups() + 1];
        for (int g = 0; g < groups(); g++) {
            x[g + 1] = (double) falsePositives[g] / negatives;
            y[g + 1] = (double) truePositives[g] / positives;
        }
        return new Curve(x, y);
    }

    /** Recall (x) against precision (y) at each distinct score. Needs both classes. */
    public Curve precisionRecall() {
        Labels.requireBoth("the precision-recall curve", positives, negatives);
        double[] x = new double[groups()];
        double[] y = new double[groups()];
        for (int g = 0; g < groups(); g++) {
            x[g] = confusion(g).recall();
            y[g] = confusion(g).precision();
        }
        return new Curve(x, y);
    }
}
