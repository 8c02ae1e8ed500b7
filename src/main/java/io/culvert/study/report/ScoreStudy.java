package io.culvert.study.report;

import io.culvert.metric.Correlation;
import io.culvert.metric.LabelFree;
import io.culvert.metric.Regret;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * How a label-free score goes with what networks reach.
 *
 * @param points every run that has score and metric
 * @param associations over all runs first, then over groups of them
 * @param selection what selecting a network by it gives; empty where no block has two networks to select from
 */
public record ScoreStudy(
        LabelFree score, List<Point> points, List<Association> associations, Optional<Selection> selection) {
    static final String ALL = "all runs";
    static final String SELF_SUPERVISED = "self-supervised";
    /** Runs from which on a bootstrap interval is taken for more than a hint. */
    static final int ENOUGH_RUNS = 10;

    private static final int LEAST_RUNS = 4;
    private static final double LEVEL = 0.95;
    private static final int DRAWS = 1000;
    private static final long SEED = 1;

    /** @param merit the score, turned so that a higher one is said to be better */
    public record Point(Network network, Block block, double merit, double metric) {}

    /**
     * Rank correlations over a group of runs.
     *
     * @param spearman empty for too few runs, or where score or metric do not vary
     * @param kendall as {@code spearman}
     */
    public record Association(
            String group, int runs, Optional<Correlation.WithInterval> spearman,
            Optional<Correlation.WithInterval> kendall) {}

    /**
     * Selecting one self-supervised network in each block by the score: means over blocks.
     *
     * @param oracle the metric of the best one
     * @param chosen of the selected one
     * @param random of one drawn at random
     */
    public record Selection(int blocks, double oracle, double chosen, double random) {
        double regret() {
            return oracle - chosen;
        }

        double atRandom() {
            return oracle - random;
        }
    }

    /** Every score that some run has, that with the strongest correlation over all runs first. */
    static List<ScoreStudy> of(Results results, Grid metric) {
        List<ScoreStudy> studies = new ArrayList<>();
        for (LabelFree score : LabelFree.values()) {
            Grid merits = results.score(score.key()).map(score.direction()::merit);
            List<Point> points = points(merits, metric);
            if (!points.isEmpty()) {
                studies.add(new ScoreStudy(score, points, associations(points), selection(merits, metric)));
            }
        }
        studies.sort(Comparator.comparingDouble(study -> -study.strength()));
        return studies;
    }

    private static List<Point> points(Grid merits, Grid metric) {
        List<Point> points = new ArrayList<>();
        merits.values().forEach((network, values) -> values.forEach((block, merit) -> {
            Double reached = metric.of(network).get(block);
            if (reached != null) {
                points.add(new Point(network, block, merit, reached));
            }
        }));
        return points;
    }

    private static List<Association> associations(List<Point> points) {
        Map<String, Predicate<Network>> groups = new LinkedHashMap<>();
        groups.put(ALL, network -> true);
        groups.put(SELF_SUPERVISED, Network::isSelfSupervised);
        points.forEach(point -> groups.put(
                point.network().backbone(), network -> network.backbone().equals(point.network().backbone())));
        points.forEach(point -> groups.put(
                point.network().method(), network -> network.method().equals(point.network().method())));
        List<Association> associations = new ArrayList<>();
        groups.forEach((name, group) -> associations.add(
                association(name, points.stream().filter(point -> group.test(point.network())).toList())));
        return associations;
    }

    static Association association(String group, List<Point> points) {
        double[] merit = points.stream().mapToDouble(Point::merit).toArray();
        double[] metric = points.stream().mapToDouble(Point::metric).toArray();
        if (points.size() < LEAST_RUNS || !varies(merit) || !varies(metric)) {
            return new Association(group, points.size(), Optional.empty(), Optional.empty());
        }
        return new Association(
                group, points.size(),
                Optional.of(Correlation.withInterval(merit, metric, Correlation::spearman, LEVEL, DRAWS, SEED)),
                Optional.of(Correlation.withInterval(merit, metric, Correlation::kendall, LEVEL, DRAWS, SEED)));
    }

    private static boolean varies(double[] values) {
        return Arrays.stream(values).distinct().count() > 1;
    }

    private static Optional<Selection> selection(Grid merits, Grid metric) {
        List<Regret> regrets = new ArrayList<>();
        for (Block block : metric.blocks()) {
            List<Network> candidates =
                    metric.networks(network -> network.isSelfSupervised() && metric.of(network).containsKey(block));
            double[] merit = candidates.stream()
                    .mapToDouble(network -> merits.of(network).getOrDefault(block, Double.NaN))
                    .toArray();
            if (candidates.size() > 1 && Arrays.stream(merit).anyMatch(value -> !Double.isNaN(value))) {
                regrets.add(Regret.of(
                        merit, candidates.stream().mapToDouble(network -> metric.value(network, block)).toArray()));
            }
        }
        if (regrets.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new Selection(
                regrets.size(),
                regrets.stream().mapToDouble(Regret::oracle).average().orElseThrow(),
                regrets.stream().mapToDouble(Regret::chosen).average().orElseThrow(),
                regrets.stream().mapToDouble(Regret::random).average().orElseThrow()));
    }

    Optional<Association> association(String group) {
        return associations.stream().filter(association -> association.group().equals(group)).findFirst();
    }

    /** Of the correlation over all runs, either way; -1 where there is none. */
    private double strength() {
        return association(ALL).flatMap(Association::spearman).map(found -> Math.abs(found.value())).orElse(-1.0);
    }
}
