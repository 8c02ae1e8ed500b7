package io.culvert.bench.step;

import io.culvert.CulvertException;
import io.culvert.profile.OpFacts;
import io.culvert.tensor.Parameter;
import io.culvert.train.Run;
import io.culvert.train.RunConfig;
import io.culvert.train.StepCost;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a configuration's training step must do at least, by kind of operation, and how long that takes a device of given
 * rates: arithmetic, no step is run. With {@code device=emulator} it is a GPU's step and needs no GPU.
 */
public final class StepPlan {
    private static final String USAGE = "StepPlan CONFIG TFLOPS TERABYTES_PER_SECOND [KEY=VALUE...]";
    private static final String ROW = "%-18s %4s %10s %9s %9s %9s %9s";

    /** Sums over operations of a kind; seconds are those of each one's forward or backward by itself. */
    record Row(int operations, double flops, double bytes, double compute, double memory, double floor) {
        static final Row NONE = new Row(0, 0, 0, 0, 0, 0);

        Row plus(Row other) {
            return new Row(
                    operations + other.operations, flops + other.flops, bytes + other.bytes, compute + other.compute,
                    memory + other.memory, floor + other.floor);
        }

        /** One direction of an operation, which waits for its arithmetic or for its bytes, whichever takes longer. */
        static Row of(long flops, long bytes, double flopsRate, double bytesRate) {
            double compute = flops / flopsRate;
            double memory = bytes / bytesRate;
            return new Row(0, flops, bytes, compute, memory, Math.max(compute, memory));
        }
    }

    private StepPlan() {}

    /** Prints the table, see {@code USAGE}. */
    public static void main(String[] args) {
        try {
            if (args.length < 3) {
                throw CulvertException.usage("%s", USAGE);
            }
            RunConfig config = RunConfig.load(Path.of(args[0]), List.of(args).subList(3, args.length));
            try (Run run = new Run(config)) {
                lines(run, 1e12 * Double.parseDouble(args[1]), 1e12 * Double.parseDouble(args[2])).forEach(System.out::println);
            }
        } catch (CulvertException e) {
            System.err.println("culvert: error: " + e.getMessage());
            System.exit(e.kind().exitCode);
        }
    }

    /** The table of a step by the rates of a device. */
    static List<String> lines(Run run, double flopsRate, double bytesRate) {
        RunConfig config = run.config();
        StepCost cost = StepCost.of(run);
        List<String> lines = new ArrayList<>();
        long parameters = run.store().parameters().stream().map(Parameter::value).mapToLong(p -> p.shape().count()).sum();
        lines.add(String.format(
                Locale.ROOT, "%s of %s, %d images at %d pixels, %s: %.2f million parameters, %.2f GiB a step; %.0f TFLOP/s, %.2f TB/s",
                config.method().name(), config.model().name(), config.batchSize(), config.data().imageSize(), config.precision(),
                parameters / 1e6, cost.bytes() / (double) (1 << 30), flopsRate / 1e12, bytesRate / 1e12));
        lines.add(String.format(ROW, "operation", "n", "GFLOP", "GB", "FLOP ms", "bytes ms", "floor ms"));
        Map<String, Row> rows = rows(cost, flopsRate, bytesRate);
        rows.entrySet().stream()
                .sorted(Map.Entry.comparingByValue((a, b) -> Double.compare(b.floor, a.floor)))
                .forEach(row -> lines.add(line(row.getKey(), row.getValue())));
        lines.add(line("all", rows.values().stream().reduce(Row.NONE, Row::plus)));
        return lines;
    }

    /** By kind of operation. */
    static Map<String, Row> rows(StepCost cost, double flopsRate, double bytesRate) {
        Map<String, Row> rows = new TreeMap<>();
        for (OpFacts op : cost.operations()) {
            Row row = new Row(1, 0, 0, 0, 0, 0)
                    .plus(Row.of(op.forwardFlops(), op.forwardBytes(), flopsRate, bytesRate))
                    .plus(Row.of(op.backwardFlops(), op.backwardBytes(), flopsRate, bytesRate));
            rows.merge(op.kind(), row, Row::plus);
        }
        return rows;
    }

    private static String line(String kind, Row row) {
        return String.format(
                ROW, kind, row.operations, decimals(1, row.flops / 1e9), decimals(2, row.bytes / 1e9),
                decimals(3, 1e3 * row.compute), decimals(3, 1e3 * row.memory), decimals(3, 1e3 * row.floor));
    }

    private static String decimals(int places, double value) {
        return String.format(Locale.ROOT, "%." + places + "f", value);
    }
}
