package io.culvert.cli;

import io.culvert.CulvertException;
import io.culvert.data.NearDuplicates;
import io.culvert.study.Costs;
import io.culvert.study.Plan;
import io.culvert.study.PlannedRun;
import io.culvert.study.StudyConfig;
import io.culvert.study.StudyData;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code culvert study plan}: what would run. */
@Command(
        name = "plan",
        description = {
            "Lists the runs of a study, one a line, and what they will take. Trains nothing.",
            "",
            "A run's id is a hash of everything that decides what is trained: change a key and the runs it touches are new ones."
        })
final class StudyPlanCommand implements Runnable {
    @Mixin
    private StudyCommand.Which which;

    @Option(
            names = "--near-duplicates",
            description = "Look for pictures that are in training and validation set both, or look alike; reads all pictures.")
    private boolean nearDuplicates;

    @Option(
            names = "--no-timing",
            description = "Do not time a few small steps of the rows that have no finished run: their hours stay unknown.")
    private boolean noTiming;

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        StudyConfig study = which.study();
        try {
            StudyCommand.Which.prepare(study, StudyCommand.Patience.USUAL, spec.commandLine().getErr());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
        Plan plan = Plan.of(study);
        plan.write();
        PrintWriter out = spec.commandLine().getOut();
        Costs costs = Costs.of(plan, !noTiming);
        int row = plan.runs().stream().mapToInt(run -> run.row().length()).max().orElse(0);
        for (Costs.Run cost : costs.runs()) {
            PlannedRun run = cost.run();
            out.printf(
                    "%s  %-" + row + "s  %-10s  %5s %%  seed %-4d  %d tests  %,9d images  %,9d steps  %9.3g TFLOP  %s%n",
                    run.id(), run.row(), run.sampling(), PlannedRun.percent(run.trainShare()), run.seed(),
                    run.testShares().size(), cost.images(), cost.steps(), cost.flops() / 1e12, duration(cost.seconds()));
        }
        print(costs, row, out);
        out.printf(
                "%d runs, each judged at %d test shares: %d experiments%n",
                plan.runs().size(), study.testShares().size(), plan.runs().size() * study.testShares().size());
        out.flush();
        if (nearDuplicates) {
            requireApart(plan, out);
        }
    }

    private static void print(Costs costs, int width, PrintWriter out) {
        out.println();
        for (Map.Entry<String, Costs.Row> row : costs.rows().entrySet()) {
            Optional<String> name = Optional.of(row.getKey());
            String rate = Double.isNaN(row.getValue().rate()) ? "" : "%.3g GFLOP/s, ".formatted(row.getValue().rate() / 1e9);
            out.printf(
                    "%-" + width + "s  %9.3g TFLOP  %s  (%s%s)%n", row.getKey(), costs.flops(name) / 1e12,
                    duration(costs.seconds(name).orElse(Double.NaN)), rate, row.getValue().source());
        }
        out.printf(
                "%-" + width + "s  %9.3g TFLOP  %s of training with one worker, without judging; n workers divide it by n where each has cores or a GPU of its own%n%n",
                "all", costs.flops(Optional.empty()) / 1e12, duration(costs.seconds(Optional.empty()).orElse(Double.NaN)));
    }

    private static String duration(double seconds) {
        if (Double.isNaN(seconds)) {
            return "        ?";
        }
        return seconds < 120
                ? String.format(Locale.ROOT, "%7.1f s", seconds)
                : seconds < 7200
                        ? String.format(Locale.ROOT, "%5.1f min", seconds / 60)
                        : String.format(Locale.ROOT, "%7.1f h", seconds / 3600);
    }

    private static void requireApart(Plan plan, PrintWriter out) {
        boolean apart = true;
        for (Map.Entry<String, NearDuplicates.Report> files : StudyData.overlaps(plan).entrySet()) {
            NearDuplicates.Report report = files.getValue();
            apart &= report.ok();
            out.printf(
                    "%s: %d pairs of pictures with the same pixels, %d that look alike%n", files.getKey(), report.exact(),
                    report.near());
            report.pairs().forEach(pair -> out.println("  " + pair));
        }
        out.flush();
        if (!apart) {
            throw CulvertException.data(
                    "training and validation set share pictures, or have some that look alike: look at the pairs (culvert data"
                            + " check --near-duplicates lists them all), and take those of one place out of one of the sets");
        }
    }
}
