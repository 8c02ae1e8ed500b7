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
        long[] positives = new long[scores.length];
        long[] negatives = new long[scores.length];
        int groups = 0;
        for (int i = 0; i < order.length; i++) {
            double score = scores[order[i]];
            // `==` also ties 0.0 with -0.0, which the sort tells apart.
            groups += i == 0 || scores[order[i - 1]] != score ? 1 : 0;
            thresholds[groups - 1] = score;
            positives[groups - 1] += labels[order[i]];
            negatives[groups - 1] += 1 - labels[order[i]];
        }
        return ofCounts(thresholds, positives, negatives, groups);
    }

    /** Of groups in falling order with their own counts; those without any are left out. */
    private static Ranking ofCounts(double[] thresholds, long[] positives, long[] negatives, int groups) {
        double[] kept = new double[groups];
        long[] tp = new long[groups];
        long[] fp = new long[groups];
        int count = 0;
        long above = 0;
        long aboveNegative = 0;
        for (int g = 0; g < groups; g++) {
            above += positives[g];
            aboveNegative += negatives[g];
            if (positives[g] + negatives[g] > 0) {
                kept[count] = thresholds[g];
                tp[count] = above;
                fp[count++] = aboveNegative;
            }
        }
        return new Ranking(Arrays.copyOf(kept, count), Arrays.copyOf(tp, count), Arrays.copyOf(fp, count));
    }

    /** The same distinct scores with other counts of each; those without any are left out. */
    Ranking withCounts(long[] groupPositives, long[] groupNegatives) {
        return ofCounts(thresholds, groupPositives, groupNegatives, groups());
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

    /** The counts with the rule {@code score >= threshold}. */
    public Confusion at(double threshold) {
        int reached = reached(threshold);
        return reached == 0 ? new Confusion(0, 0, negatives, positives) : confusion(reached - 1);
    }

    /** How many of the distinct scores are at or above the threshold. */
    int reached(double threshold) {
        int low = 0;
        int high = groups();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (thresholds[middle] >= threshold) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** Positives of one distinct score. */
    long positivesOf(int group) {
        return truePositives[group] - (group == 0 ? 0 : truePositives[group - 1]);
    }

    /** Negatives of one distinct score. */
    long negativesOf(int group) {
        return falsePositives[group] - (group == 0 ? 0 : falsePositives[group - 1]);
    }

    /**
     * The highest recall of all thresholds whose false-alarm rate (false positives over negatives) is at most this.
     * Only points that a threshold reaches count, from (0, 0), where nothing is called positive, to (1, 1): the steps
     * of the ROC curve, no line between them.
     *
     * @throws CulvertException of kind DATA when one class is empty
     */
    public double recallAtFalseAlarms(double rate) {
        Labels.requireBoth("recall at a false-alarm rate", positives, negatives);
        double recall = 0;
        // The quotient is compared, not a product: 29 of 100 is not above 0.29.
        for (int g = 0; g < groups() && (double) falsePositives[g] / negatives <= rate; g++) {
            recall = (double) truePositives[g] / positives;
        }
        return recall;
    }

    /**
     * The lowest false-alarm rate of all thresholds whose recall is at least this, on the same points as
     * {@link #recallAtFalseAlarms}.
     *
     * @param recall at most 1
     * @throws CulvertException of kind DATA when one class is empty; of kind USAGE for a recall that none reaches
     */
    public double falseAlarmsAtRecall(double recall) {
        Labels.requireBoth("the false-alarm rate at a recall", positives, negatives);
        if (!(recall <= 1)) {
            throw CulvertException.usage("a recall is at most 1, got %s", recall);
        }
        if (recall <= 0) {
            return 0;
        }
        int g = 0;
        while ((double) truePositives[g] / positives < recall) {
            g++;
        }
        return (double) falsePositives[g] / negatives;
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
            twice += negativesOf(g) * (2 * truePositives[g] - positivesOf(g));
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
        for (int g = 0; g < groups(); g++) {
            sum += positivesOf(g) * confusion(g).precision();
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
