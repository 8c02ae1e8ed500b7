package io.culvert.study;

import io.culvert.data.Dataset;
import io.culvert.data.DefectCode;
import io.culvert.data.ImbalanceSampler;
import io.culvert.metric.Bootstrap;
import io.culvert.metric.Confusion;
import io.culvert.metric.Judged;
import io.culvert.metric.LabelFree;
import io.culvert.metric.MultiLabel;
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
    /** Metrics that get the bounds of an interval beside them. */
    private static final List<Judged> INTERVALS = List.of(Judged.AUROC, Judged.AVERAGE_PRECISION);

    private Judge() {}

    /** Every reader on every test set. */
    static List<Sidecar.Cell> cells(PlannedRun run, Probing.Probed probed) {
        List<Sidecar.Cell> cells = new ArrayList<>();
        for (double share : run.testShares()) {
            int[] images = ImbalanceSampler.indices(probed.test(), share, run.testSeed());
            int[] labels = pick(probed.labels(), images);
            for (Probing.Outcome outcome : probed.reading().outcomes()) {
                cells.add(new Sidecar.Cell(
                        outcome.reader(), share, images.length, Arrays.stream(labels).sum(),
                        metrics(outcome, probed.test(), images, labels, run.testSeed())));
            }
            probed.reading().codes().ifPresent(codes -> cells.add(new Sidecar.Cell(
                    "code probes", share, images.length, Arrays.stream(labels).sum(),
                    multiLabel(codes, probed.test(), images))));
        }
        return cells;
    }

    private static Map<String, Double> metrics(
            Probing.Outcome outcome, Dataset pool, int[] images, int[] labels, long seed) {
        double[] scores = pick(outcome.scores(), images);
        double[] probabilities = pick(outcome.probabilities(), images);
        // Probabilities near 0 and 1 tie where log-odds still tell images apart.
        Ranking byScore = Ranking.of(scores, labels);
        Ranking byProbability = Ranking.of(probabilities, labels);
        Map<String, Double> metrics = new LinkedHashMap<>();
        for (Judged judged : Judged.values()) {
            metrics.put(judged.key(), judged.of(judged.compareTo(Judged.F1) < 0 ? byScore : byProbability));
        }
        for (Judged judged : INTERVALS) {
            Bootstrap.Interval interval = judged.interval(scores, labels, LEVEL, DRAWS, seed);
            metrics.put(judged.key() + "_low", interval.low());
            metrics.put(judged.key() + "_high", interval.high());
        }
        Confusion chosen = Confusion.at(outcome.threshold(), scores, labels);
        metrics.put("f1_chosen", chosen.f1());
        metrics.put("recall_chosen", chosen.recall());
        metrics.put("false_alarm_rate_chosen", chosen.falseAlarmRate());
        metrics.put("f2_ciw_binary", MultiLabel.binaryF2Ciw(probabilities, codes(pool, images), 0.5, weights()));
        return metrics;
    }

    /** Sewer-ML's own two metrics. */
    private static Map<String, Double> multiLabel(double[] codes, Dataset pool, int[] images) {
        int classes = DefectCode.values().length;
        double[] chosen = new double[images.length * classes];
        for (int i = 0; i < images.length; i++) {
            System.arraycopy(codes, images[i] * classes, chosen, i * classes, classes);
        }
        MultiLabel judged = new MultiLabel(chosen, codes(pool, images), classes, 0.5);
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put("f2_ciw", judged.f2Ciw(weights()));
        metrics.put("f1_normal", judged.f1Normal());
        return metrics;
    }

    /** {@code [images, codes]}, 1 where an image has the code. */
    private static int[] codes(Dataset pool, int[] images) {
        DefectCode[] codes = DefectCode.values();
        int[] labels = new int[images.length * codes.length];
        for (int i = 0; i < labels.length; i++) {
            labels[i] = pool.get(images[i / codes.length]).has(codes[i % codes.length]) ? 1 : 0;
        }
        return labels;
    }

    private static double[] weights() {
        return Arrays.stream(DefectCode.values()).mapToDouble(DefectCode::weight).toArray();
    }

    /** Scores that took no label, by name; those that are undefined for this network are left out. */
    static Map<String, Double> labelFree(Probing.Probed probed) {
        Map<String, Double> scores = new LinkedHashMap<>();
        for (LabelFree.Reading reading : probed.reading().labelFree()) {
            if (reading.defined()) {
                scores.put(reading.score().key(), reading.value());
            }
        }
        return scores;
    }

    private static int[] pick(int[] values, int[] at) {
        return Arrays.stream(at).map(i -> values[i]).toArray();
    }

    private static double[] pick(double[] values, int[] at) {
        return Arrays.stream(at).mapToDouble(i -> values[i]).toArray();
    }
}
