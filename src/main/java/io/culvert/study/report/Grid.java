package io.culvert.study.report;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.DoubleUnaryOperator;
import java.util.function.Predicate;

/**
 * One number of each run, by network and block; runs that are missing, or have no such number, are not in it.
 *
 * @param values networks in the study's order
 */
public record Grid(Map<Network, SortedMap<Block, Double>> values) {
    List<Network> networks() {
        return List.copyOf(values.keySet());
    }

    List<Network> networks(Predicate<Network> which) {
        return values.keySet().stream().filter(which).toList();
    }

    List<String> backbones() {
        return values.keySet().stream().map(Network::backbone).distinct().toList();
    }

    SortedMap<Block, Double> of(Network network) {
        return values.getOrDefault(network, new TreeMap<>());
    }

    /** The networks and blocks that a condition lets through. */
    Grid only(Predicate<Network> networks, Predicate<Block> blocks) {
        Map<Network, SortedMap<Block, Double>> left = new LinkedHashMap<>();
        values.forEach((network, ofNetwork) -> {
            SortedMap<Block, Double> kept = new TreeMap<>(ofNetwork);
            kept.keySet().removeIf(blocks.negate());
            if (networks.test(network) && !kept.isEmpty()) {
                left.put(network, kept);
            }
        });
        return new Grid(left);
    }

    Grid map(DoubleUnaryOperator change) {
        Map<Network, SortedMap<Block, Double>> changed = new LinkedHashMap<>();
        values.forEach((network, ofNetwork) -> {
            SortedMap<Block, Double> copy = new TreeMap<>(ofNetwork);
            copy.replaceAll((block, value) -> change.applyAsDouble(value));
            changed.put(network, copy);
        });
        return new Grid(changed);
    }

    SortedSet<Block> blocks() {
        SortedSet<Block> blocks = new TreeSet<>();
        values.values().forEach(ofNetwork -> blocks.addAll(ofNetwork.keySet()));
        return blocks;
    }

    /** The blocks in which none of these networks is missing. */
    List<Block> complete(Collection<Network> networks) {
        if (networks.isEmpty()) {
            return List.of();
        }
        List<Block> blocks = new ArrayList<>(blocks());
        blocks.removeIf(block -> networks.stream().anyMatch(network -> !of(network).containsKey(block)));
        return blocks;
    }

    double value(Network network, Block block) {
        return of(network).get(block);
    }

    /** The mean over networks, none of which may be missing. */
    double mean(Collection<Network> networks, Block block) {
        return networks.stream().mapToDouble(network -> value(network, block)).average().orElseThrow();
    }
}
