package io.culvert.study.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A study worked out at one test share.
 *
 * @param cut AUROC of the linear probe at that share
 * @param grid its values
 */
public record Analysis(
        Results results, Cut cut, Grid grid, List<Standing> standings, List<Statement> statements,
        List<ScoreStudy> scores, List<SetSize> sizes, List<Cost> costs) {
    static final String AUROC = "auroc";
    static final String READER = "linear probe";

    /**
     * What a network's runs took, means a run.
     *
     * @param imagesPerSecond in training; NaN for an untrained network
     */
    public record Cost(Network network, int runs, double trainSeconds, double judgeSeconds, double imagesPerSecond) {}

    /** An estimate and where its interval is drawn: over seeds, or for one seed the run's own. */
    record Spot(Estimate estimate, double low, double high) {
        boolean hasInterval() {
            return !Double.isNaN(low);
        }
    }

    /** @param testShare one of the results' */
    static Analysis of(Results results, double testShare) {
        Cut cut = new Cut(AUROC, READER, testShare);
        Grid grid = results.grid(cut);
        List<ScoreStudy> scores = ScoreStudy.of(results, grid);
        return new Analysis(
                results, cut, grid, Standing.of(grid), Statements.of(grid, scores), scores, SetSize.of(grid), costs(results));
    }

    private static List<Cost> costs(Results results) {
        List<Cost> costs = new ArrayList<>();
        for (Network network : results.networks()) {
            List<Results.Run> runs =
                    results.runs().stream().filter(run -> run.network().equals(network)).toList();
            double train = runs.stream().mapToDouble(Results.Run::trainSeconds).sum();
            double judge = runs.stream().mapToDouble(Results.Run::judgeSeconds).sum();
            long seen = runs.stream().mapToLong(Results.Run::seen).sum();
            costs.add(new Cost(
                    network, runs.size(), train / runs.size(), judge / runs.size(), train > 0 ? seen / train : Double.NaN));
        }
        return costs;
    }

    /** The samplings that runs have, in the order in which they compare. */
    List<String> samplings() {
        return results.runs().stream()
                .map(run -> run.block().sampling())
                .distinct()
                .sorted(Comparator.reverseOrder())
                .toList();
    }

    List<Double> shares() {
        return results.runs().stream()
                .map(run -> run.block().share())
                .distinct()
                .sorted(Comparator.reverseOrder())
                .toList();
    }

    int seeds() {
        return (int) results.runs().stream().map(run -> run.block().seed()).distinct().count();
    }

    /** A metric over seeds, by training share, the rarest first. */
    Map<Double, Spot> byTrainShare(Cut of, Network network, String sampling) {
        Map<Double, Spot> spots = new LinkedHashMap<>();
        for (double share : shares().reversed()) {
            spot(of, network, sampling, share).ifPresent(spot -> spots.put(share, spot));
        }
        return spots;
    }

    /** A metric over seeds. */
    Optional<Spot> spot(Cut of, Network network, String sampling, double share) {
        double[] values = values(of, network, sampling, share);
        if (values.length == 0) {
            return Optional.empty();
        }
        Estimate estimate = Estimate.of(values);
        if (values.length > 2) {
            return Optional.of(new Spot(estimate, estimate.low(), estimate.high()));
        }
        if (values.length == 2) {
            return Optional.of(new Spot(estimate, Math.min(values[0], values[1]), Math.max(values[0], values[1])));
        }
        double[] low = values(of.metric(of.metric() + "_low"), network, sampling, share);
        double[] high = values(of.metric(of.metric() + "_high"), network, sampling, share);
        boolean known = low.length == 1 && high.length == 1;
        return Optional.of(new Spot(estimate, known ? low[0] : Double.NaN, known ? high[0] : Double.NaN));
    }

    private double[] values(Cut of, Network network, String sampling, double share) {
        Grid values = of.equals(cut) ? grid : results.grid(of);
        return values.of(network).entrySet().stream()
                .filter(entry -> entry.getKey().sampling().equals(sampling) && entry.getKey().share() == share)
                .mapToDouble(Map.Entry::getValue)
                .toArray();
    }

    /** What a network gains on the untrained one with the same backbone, over seeds; empty where there is none. */
    Optional<Estimate> gain(Network network, String sampling, double share) {
        return grid.networks(other -> other.isUntrained() && other.backbone().equals(network.backbone())).stream()
                .filter(untrained -> !untrained.equals(network))
                .findFirst()
                .flatMap(untrained -> {
                    double[] gains = grid.complete(List.of(network, untrained)).stream()
                            .filter(block -> block.sampling().equals(sampling) && block.share() == share)
                            .mapToDouble(block -> grid.value(network, block) - grid.value(untrained, block))
                            .toArray();
                    return gains.length == 0 ? Optional.empty() : Optional.of(Estimate.of(gains));
                });
    }
}
