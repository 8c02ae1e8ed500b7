package io.culvert.study.report;

import io.culvert.study.Plan;
import io.culvert.study.PlannedRun;
import io.culvert.study.Store;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What a study's store holds.
 *
 * @param planned how many runs there will be
 * @param networks in the study's order, those that have runs
 * @param missing networks that have none yet
 * @param runs those done
 * @param grids every number of every run
 * @param scores every label-free score of every run, by its name
 */
public record Results(
        int planned, List<Network> networks, List<Network> missing, List<Run> runs, Map<Cut, Grid> grids,
        Map<String, Grid> scores) {
    /**
     * A run.
     *
     * @param images in its training set
     * @param seen images that went through the network in training, each time one did
     * @param machine what it ran on, by name
     */
    public record Run(
            String id, Network network, Block block, long images, long steps, long seen, double trainSeconds,
            double judgeSeconds, Map<String, String> machine, String finished) {}

    /** Reads the store of a plan. */
    public static Results of(Plan plan, Store store) {
        Map<String, Map<String, String>> machines = new LinkedHashMap<>();
        for (List<Object> row :
                store.query("SELECT id, unnest(map_keys(machine)), unnest(map_values(machine)) FROM runs").rows()) {
            machines.computeIfAbsent(text(row, 0), id -> new LinkedHashMap<>()).put(text(row, 1), text(row, 2));
        }
        Map<String, PlannedRun> plans = new LinkedHashMap<>();
        plan.runs().forEach(run -> plans.put(run.id(), run));
        Map<String, Run> runs = new LinkedHashMap<>();
        for (List<Object> row : store.query(
                        """
                        SELECT id, "row", method, backbone, sampling, train_share, seed, images, steps, train_seconds, judge_seconds,
                               finished FROM runs""")
                .rows()) {
            String id = text(row, 0);
            long steps = whole(row, 8);
            runs.put(id, new Run(
                    id, new Network(text(row, 1), text(row, 2), text(row, 3)),
                    new Block(text(row, 4), number(row, 5), whole(row, 6)), whole(row, 7), steps,
                    steps * plans.get(id).config().batchSize(), number(row, 9), number(row, 10),
                    machines.getOrDefault(id, Map.of()), text(row, 11)));
        }
        List<Network> begun = runs.values().stream().map(Run::network).distinct().toList();
        List<Network> all = plan.runs().stream()
                .map(run -> new Network(run.row(), run.method(), run.backbone()))
                .distinct()
                .toList();
        List<Network> networks = all.stream().filter(begun::contains).toList();
        Map<Cut, Grid> grids = new LinkedHashMap<>();
        for (List<Object> row : store.query("SELECT id, value, metric, reader, test_share FROM results").rows()) {
            Cut cut = new Cut(text(row, 2), text(row, 3), number(row, 4));
            put(grids.computeIfAbsent(cut, key -> empty(networks)), runs, row);
        }
        Map<String, Grid> scores = new LinkedHashMap<>();
        for (List<Object> row : store.query("SELECT id, value, score FROM scores").rows()) {
            put(scores.computeIfAbsent(text(row, 2), key -> empty(networks)), runs, row);
        }
        return new Results(
                plan.runs().size(), networks, all.stream().filter(network -> !begun.contains(network)).toList(),
                List.copyOf(runs.values()), grids, scores);
    }

    private static Grid empty(List<Network> networks) {
        Map<Network, SortedMap<Block, Double>> values = new LinkedHashMap<>();
        networks.forEach(network -> values.put(network, new TreeMap<>()));
        return new Grid(values);
    }

    /** A row of id and value; one that is undefined is left out. */
    private static void put(Grid grid, Map<String, Run> runs, List<Object> row) {
        Run run = runs.get(text(row, 0));
        if (row.get(1) != null && !Double.isNaN(number(row, 1))) {
            grid.values().get(run.network()).put(run.block(), number(row, 1));
        }
    }

    private static String text(List<Object> row, int column) {
        return String.valueOf(row.get(column));
    }

    private static double number(List<Object> row, int column) {
        return ((Number) row.get(column)).doubleValue();
    }

    private static long whole(List<Object> row, int column) {
        return ((Number) row.get(column)).longValue();
    }

    /** One number of each run; nothing where no run has it. */
    Grid grid(Cut cut) {
        return grids.getOrDefault(cut, new Grid(Map.of())).only(network -> true, block -> true);
    }

    /** One label-free score of each run. */
    Grid score(String name) {
        return scores.getOrDefault(name, new Grid(Map.of())).only(network -> true, block -> true);
    }

    SortedSet<Double> testShares() {
        SortedSet<Double> shares = new TreeSet<>();
        grids.keySet().forEach(cut -> shares.add(cut.testShare()));
        return shares;
    }
}
