package io.culvert.study;

import io.culvert.data.ImbalanceSampler;
import io.culvert.metric.Bootstrap;
import io.culvert.metric.Confusion;
import io.culvert.metric.Ranking;
import io.culvert.train.Probing;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Puts what the readers of a network make of all validation images into numbers, one test set at a time. */
final class Judge {
    private static final double LEVEL = 0.95;
    private static final int DRAWS = 1000;

    private Judge() {}

    /** Every reader on every test set. */
    static List<Sidecar.Cell> cells(PlannedRun run, Probing.Judged judged) {
        List<Sidecar.Cell> cells = new ArrayList<>();
        for (double share : run.testShares()) {
            int[] images = ImbalanceSampler.indices(judged.test(), share, run.testSeed());
            int[] labels = pick(judged.labels(), images);
            for (Probing.Outcome outcome : judged.reading().outcomes()) {
                cells.add(new Sidecar.Cell(
                        outcome.reader(), share, images.length, Arrays.stream(labels).sum(),
                        metrics(outcome, images, labels, run.testSeed())));
            }
        }
        return cells;
    }

    private static Map<String, Double> metrics(Probing.Outcome outcome, int[] images, int[] labels, long seed) {
        double[] scores = pick(outcome.scores(), images);
        double[] probabilities = pick(outcome.probabilities(), images);
        Ranking ranking = Ranking.of(scores, labels);
        Confusion chosen = Confusion.at(outcome.threshold(), scores, labels);
        Confusion half = Confusion.at(0.5, probabilities, labels);
        Bootstrap.Interval auroc = Bootstrap.interval(scores, labels, Ranking::auroc, LEVEL, DRAWS, seed);
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put("auroc", ranking.auroc());
        metrics.put("auroc_low", auroc.low());
        metrics.put("auroc_high", auroc.high());
        metrics.put("average_precision", ranking.averagePrecision());
        metrics.put("best_f1", ranking.bestF1().f1());
        metrics.put("f1", chosen.f1());
        metrics.put("precision", chosen.precision());
        metrics.put("recall", chosen.recall());
        metrics.put("false_alarm_rate", 1 - chosen.specificity());
        metrics.put("balanced_accuracy", chosen.balancedAccuracy());
        metrics.put("f1_at_half", half.f1());
        metrics.put("recall_at_half", half.recall());
        metrics.put("false_alarm_rate_at_half", 1 - half.specificity());
        return metrics;
    }

    private static int[] pick(int[] values, int[] at) {
        return Arrays.stream(at).map(i -> values[i]).toArray();
    }

    private static double[] pick(double[] values, int[] at) {
        return Arrays.stream(at).mapToDouble(i -> values[i]).toArray();
    }
}
