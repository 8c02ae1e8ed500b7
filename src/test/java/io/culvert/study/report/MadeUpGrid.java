package io.culvert.study.report;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** Grids written down by hand. */
final class MadeUpGrid {
    private final Map<Network, SortedMap<Block, Double>> values = new LinkedHashMap<>();

    static Block block(double share, long seed) {
        return new Block("published", share, seed);
    }

    static Network network(String method, String backbone) {
        return new Network(method + "-" + backbone, method, backbone);
    }

    MadeUpGrid put(Network network, Block block, double value) {
        values.computeIfAbsent(network, key -> new TreeMap<>()).put(block, value);
        return this;
    }

    /** One value a block: seeds 1, 2, ... at a share of 0.5. */
    MadeUpGrid put(Network network, double... perSeed) {
        for (int i = 0; i < perSeed.length; i++) {
            put(network, block(0.5, i + 1), perSeed[i]);
        }
        return this;
    }

    Grid grid() {
        return new Grid(values);
    }
}
