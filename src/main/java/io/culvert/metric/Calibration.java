package io.culvert.metric;

import io.culvert.CulvertException;

/**
 * How far scores are probabilities of a defect. All take scores within 0..1: a probe's logits go through a sigmoid
 * first.
 */
public final class Calibration {
    private Calibration() {}

    /**
     * Expected calibration error (Naeini et al., AAAI 2015; Guo et al., ICML 2017) of the probability of a defect:
     * {@code sum_b n_b / n |mean score_b - share of defects_b|} over bins of one width. Bin b is
     * {@code (b / bins, (b + 1) / bins]}, the first with 0, as in scikit-learn's {@code calibration_curve}.
     *
     * @throws CulvertException of kind DATA for a score outside of 0..1, or none at all
     */
    public static double error(Ranking ranking, int bins) {
        requireProbabilities("the calibration error", ranking);
        double[] scores = new double[bins];
        double[] defects = new double[bins];
        for (int g = 0; g < ranking.groups(); g++) {
            double p = ranking.threshold(g);
            int bin = Math.max(0, (int) Math.ceil(p * bins) - 1);
            scores[bin] += p * (ranking.positivesOf(g) + ranking.negativesOf(g));
            defects[bin] += ranking.positivesOf(g);
        }
        double error = 0;
        for (int b = 0; b < bins; b++) {
            error += Math.abs(scores[b] - defects[b]);
        }
        return error / count(ranking);
    }

    /** Brier score: the mean of {@code (score - label)^2}. The same errors as {@link #error}. */
    public static double brier(Ranking ranking) {
        requireProbabilities("the Brier score", ranking);
        double sum = 0;
        for (int g = 0; g < ranking.groups(); g++) {
            double p = ranking.threshold(g);
            sum += ranking.positivesOf(g) * (1 - p) * (1 - p) + ranking.negativesOf(g) * p * p;
        }
        return sum / count(ranking);
    }

    /**
     * The mean of {@code -ln} of the probability given to what was there, scores held within 2^-52 of 0 and 1 as
     * scikit-learn's {@code log_loss} does. The same errors as {@link #error}.
     */
    public static double logLoss(Ranking ranking) {
        requireProbabilities("the log loss", ranking);
        double eps = Math.ulp(1.0);
        double sum = 0;
        for (int g = 0; g < ranking.groups(); g++) {
            double p = Math.clamp(ranking.threshold(g), eps, 1 - eps);
            sum -= ranking.positivesOf(g) * Math.log(p) + ranking.negativesOf(g) * Math.log1p(-p);
        }
        return sum / count(ranking);
    }

    private static double count(Ranking ranking) {
        return (double) ranking.positives() + ranking.negatives();
    }

    private static void requireProbabilities(String metric, Ranking ranking) {
        if (ranking.groups() == 0) {
            throw CulvertException.data("%s needs at least one score, got none", metric);
        }
        double high = ranking.threshold(0);
        double low = ranking.threshold(ranking.groups() - 1);
        if (low < 0 || high > 1) {
            throw CulvertException.data(
                    "%s needs probabilities, scores reach from %s to %s: map logits by a sigmoid first", metric, low, high);
        }
    }
}
