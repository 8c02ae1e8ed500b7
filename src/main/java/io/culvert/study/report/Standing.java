package io.culvert.study.report;

import io.culvert.metric.Multiplicity;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * The networks on one backbone against each other.
 *
 * @param blocks in which all of them have runs, over which ranks are taken
 * @param places best mean rank first
 * @param pairs every two of them that have blocks in common, each in the order of {@code places}
 */
public record Standing(String backbone, int blocks, List<Place> places, List<Pair> pairs) {
    /**
     * Where a network stands.
     *
     * @param rank mean over blocks, 1 is best, ties share their mean; NaN where no block is complete
     * @param value mean of the metric over those blocks; over all its own where none is complete
     */
    public record Place(Network network, double rank, double value) {}

    /**
     * Two networks.
     *
     * @param contrast of the first less the second, over the blocks both have
     * @param holm its p, adjusted for all pairs of this backbone
     */
    public record Pair(Network first, Network second, Contrast contrast, double holm) {}

    /** Ranks and pairs of each backbone with two networks or more. */
    static List<Standing> of(Grid grid) {
        return grid.backbones().stream()
                .map(backbone -> of(backbone, grid.only(network -> network.backbone().equals(backbone), block -> true)))
                .filter(standing -> standing.places().size() > 1)
                .toList();
    }

    private static Standing of(String backbone, Grid grid) {
        List<Network> networks = grid.networks();
        List<Block> complete = grid.complete(networks);
        List<Place> places = new ArrayList<>();
        for (Network network : networks) {
            double rank = complete.stream().mapToDouble(block -> rank(grid, network, block)).average().orElse(Double.NaN);
            double value = complete.isEmpty()
                    ? grid.of(network).values().stream().mapToDouble(v -> v).average().orElseThrow()
                    : complete.stream().mapToDouble(block -> grid.value(network, block)).average().orElseThrow();
            places.add(new Place(network, rank, value));
        }
        places.sort(Comparator.comparingDouble(Place::rank).thenComparing(Place::value, Comparator.reverseOrder()));
        return new Standing(backbone, complete.size(), places, pairs(grid, places.stream().map(Place::network).toList()));
    }

    private static double rank(Grid grid, Network network, Block block) {
        double own = grid.value(network, block);
        double above = 0.5;
        for (Network other : grid.networks()) {
            int order = Double.compare(grid.value(other, block), own);
            above += order > 0 ? 1 : order == 0 ? 0.5 : 0;
        }
        return above;
    }

    private static List<Pair> pairs(Grid grid, List<Network> networks) {
        List<Pair> pairs = new ArrayList<>();
        for (int i = 0; i < networks.size(); i++) {
            for (int j = i + 1; j < networks.size(); j++) {
                Network first = networks.get(i);
                Network second = networks.get(j);
                List<Block> both = grid.complete(List.of(first, second));
                if (!both.isEmpty()) {
                    Contrast contrast = Contrast.of(
                            first.row() + " less " + second.row(),
                            both.stream().mapToDouble(block -> grid.value(first, block)).toArray(),
                            both.stream().mapToDouble(block -> grid.value(second, block)).toArray());
                    pairs.add(new Pair(first, second, contrast, Double.NaN));
                }
            }
        }
        double[] holm = Multiplicity.holm(pairs.stream().mapToDouble(pair -> pair.contrast().p()).toArray());
        List<Pair> adjusted = new ArrayList<>();
        for (int i = 0; i < holm.length; i++) {
            Pair pair = pairs.get(i);
            adjusted.add(new Pair(pair.first(), pair.second(), pair.contrast(), holm[i]));
        }
        return adjusted;
    }

    /** The pair of two networks in either order; empty where they have no block in common. */
    Optional<Pair> pair(Network one, Network other) {
        return pairs.stream()
                .filter(pair -> pair.first().equals(one) && pair.second().equals(other)
                        || pair.first().equals(other) && pair.second().equals(one))
                .findFirst();
    }
}
