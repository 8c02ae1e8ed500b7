package io.culvert.metric;

import io.culvert.CulvertException;

/**
 * Sewer-ML's two scores of multi-label predictions (Haurum and Moeslund, CVPR 2021, section 5), as its published
 * evaluation computes them. Scores are compared with the threshold as they are: give sigmoid outputs with 0.5, or
 * logits with 0.
 */
public final class MultiLabel {
    private final Confusion[] perClass;
    private final Confusion normal;

    /**
     * Counts every class.
     *
     * @param scores {@code [n, classes]} row by row
     * @param labels {@code [n, classes]}, 0 or 1
     * @throws CulvertException of kind DATA when sizes do not fit, a score is NaN or a label is neither 0 nor 1
     */
    public MultiLabel(double[] scores, int[] labels, int classes, double threshold) {
        Labels.check(scores, labels);
        if (classes < 1 || scores.length % classes != 0) {
            throw CulvertException.data("%d scores are no whole number of rows of %d classes", scores.length, classes);
        }
        perClass = new Confusion[classes];
        for (int c = 0; c < classes; c++) {
            perClass[c] = count(scores, labels, classes, c, threshold);
        }
        normal = countNormal(scores, labels, classes, threshold);
    }

    private static Confusion count(double[] scores, int[] labels, int classes, int c, double threshold) {
        int n = scores.length / classes;
        double[] column = new double[n];
        int[] truth = new int[n];
        for (int i = 0; i < n; i++) {
            column[i] = scores[i * classes + c];
            truth[i] = labels[i * classes + c];
        }
        return Confusion.at(threshold, column, truth);
    }

    private static Confusion countNormal(double[] scores, int[] labels, int classes, double threshold) {
        int n = scores.length / classes;
        double[] predicted = new double[n];
        int[] truth = new int[n];
        for (int i = 0; i < n; i++) {
            predicted[i] = 1;
            truth[i] = 1;
            for (int j = i * classes; j < (i + 1) * classes; j++) {
                predicted[i] = scores[j] >= threshold ? 0 : predicted[i];
                truth[i] = labels[j] == 1 ? 0 : truth[i];
            }
        }
        return Confusion.at(0.5, predicted, truth);
    }

    /** The counts of one class. */
    public Confusion confusion(int c) {
        return perClass[c];
    }

    /**
     * F2-CIW: the mean of the classes' F2 weighted by class importance. A class without labels and predictions
     * contributes 0 and keeps its weight in the divisor, as in the published evaluation.
     *
     * @param weights one importance a class
     */
    public double f2Ciw(double[] weights) {
        if (weights.length != perClass.length) {
            throw CulvertException.data("F2-CIW needs one weight a class: %d weights for %d classes", weights.length,
                    perClass.length);
        }
        double sum = 0;
        double total = 0;
        for (int c = 0; c < weights.length; c++) {
            sum += weights[c] * perClass[c].fBeta(2);
            total += weights[c];
        }
        return sum / total;
    }

    /** F1 of the implicit class "normal": no class predicted against no class labelled. */
    public double f1Normal() {
        return normal.f1();
    }

    /**
     * F2-CIW of a detector that only tells defective from sound, as the study of 2024 has it: an image that is called
     * defective counts as recognised in each of its classes, so that precision is 1 and a class's F2 is
     * {@code 5 R / (4 + R)} of its recall R. The mean by importance over the classes that occur.
     *
     * @param scores {@code [n]}, {@code score >= threshold} is called defective
     * @param labels {@code [n, classes]}, 0 or 1
     * @param weights one importance a class
     * @throws CulvertException of kind DATA when sizes do not fit, a score is NaN, a label is neither 0 nor 1, or
     *     no class occurs
     */
    public static double binaryF2Ciw(double[] scores, int[] labels, double threshold, double[] weights) {
        int classes = weights.length;
        if (labels.length != scores.length * classes) {
            throw CulvertException.data("binary F2-CIW needs %d labels a score, got %d labels for %d scores", classes,
                    labels.length, scores.length);
        }
        double sum = 0;
        double total = 0;
        for (int c = 0; c < classes; c++) {
            int[] truth = new int[scores.length];
            for (int i = 0; i < truth.length; i++) {
                truth[i] = labels[i * classes + c];
            }
            Confusion confusion = Confusion.at(threshold, scores, truth);
            if (confusion.positives() > 0) {
                sum += weights[c] * 5 * confusion.recall() / (4 + confusion.recall());
                total += weights[c];
            }
        }
        if (total == 0) {
            throw CulvertException.data(
                    "binary F2-CIW needs a defect of a class with importance, got none in %d images", scores.length);
        }
        return sum / total;
    }
}
