package io.culvert.study;

import io.culvert.train.RunConfig;
import io.culvert.train.StepCost;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What the training of a plan's runs will take. Judging them, which does not grow with the epochs, is not in it.
 *
 * @param runs in the plan's order
 * @param rows what was found of each row
 */
public record Costs(List<Run> runs, Map<String, Row> rows) {
    /**
     * A run.
     *
     * @param images in its training set
     * @param flops of all its steps
     * @param seconds NaN where no rate is known
     */
    public record Run(PlannedRun run, int images, long steps, double flops, double seconds) {}

    /**
     * A row.
     *
     * @param stepFlops of a step
     * @param rate operations a second; NaN where none is known
     * @param source where the rate is from
     */
    public record Row(long stepFlops, double rate, String source) {}

    private record Draw(RunConfig.Data data, long seed) {}

    /**
     * Works the costs out.
     *
     * @param time whether rows without a finished run are timed on this machine's device
     */
    public static Costs of(Plan plan, boolean time) {
        Map<String, Row> rows = new LinkedHashMap<>();
        Map<Draw, Integer> sizes = new HashMap<>();
        List<Run> runs = new ArrayList<>();
        for (PlannedRun run : plan.runs()) {
            RunConfig config = run.config();
            int images = sizes.computeIfAbsent(
                    new Draw(config.data(), config.seed()), draw -> StepCost.images(config));
            if (run.untrained()) {
                runs.add(new Run(run, images, 0, 0, 0));
                continue;
            }
            Row row = rows.computeIfAbsent(run.row(), name -> row(plan, run, time));
            long steps = (long) (images / config.batchSize()) * config.schedule().epochs();
            double flops = (double) steps * row.stepFlops();
            runs.add(new Run(run, images, steps, flops, flops / row.rate()));
        }
        return new Costs(List.copyOf(runs), rows);
    }

    private static Row row(Plan plan, PlannedRun first, boolean time) {
        long flops = StepCost.flops(first.config());
        List<Sidecar> done = plan.runs().stream()
                .filter(run -> run.row().equals(first.row()) && State.isDone(run))
                .flatMap(run -> Sidecar.read(run.folder()).stream())
                .filter(sidecar -> sidecar.cost().trainSeconds() > 0)
                .toList();
        if (!done.isEmpty()) {
            double seconds = done.stream().mapToDouble(sidecar -> sidecar.cost().trainSeconds()).sum();
            double steps = done.stream().mapToDouble(sidecar -> sidecar.training().steps()).sum();
            return new Row(flops, steps * flops / seconds, done.size() + (done.size() == 1 ? " finished run" : " finished runs"));
        }
        if (first.config().device().equals("emulator")) {
            return new Row(flops, Double.NaN, "the emulator has no rate");
        }
        return time
                ? new Row(flops, StepCost.rate(first.config()), "a few small steps here")
                : new Row(flops, Double.NaN, "not timed");
    }

    /** Of a row, or of all; empty where a rate is missing. */
    public Optional<Double> seconds(Optional<String> row) {
        double sum = runs.stream()
                .filter(run -> row.isEmpty() || run.run().row().equals(row.get()))
                .mapToDouble(Run::seconds)
                .sum();
        return Double.isNaN(sum) ? Optional.empty() : Optional.of(sum);
    }

    /** Of a row, or of all. */
    public double flops(Optional<String> row) {
        return runs.stream()
                .filter(run -> row.isEmpty() || run.run().row().equals(row.get()))
                .mapToDouble(Run::flops)
                .sum();
    }
}
