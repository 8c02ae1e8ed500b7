package io.culvert.cli;

import io.culvert.study.Plan;
import io.culvert.study.PlannedRun;
import io.culvert.study.StudyConfig;
import java.io.PrintWriter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
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
        int row = plan.runs().stream().mapToInt(run -> run.row().length()).max().orElse(0);
        for (PlannedRun run : plan.runs()) {
            out.printf(
                    "%s  %-" + row + "s  %-9s  %5s %%  seed %-4d  %d tests%n",
                    run.id(), run.row(), run.sampling(), PlannedRun.percent(run.trainShare()), run.seed(),
                    run.testShares().size());
        }
        out.printf(
                "%d runs, each judged at %d test shares: %d experiments%n",
                plan.runs().size(), study.testShares().size(), plan.runs().size() * study.testShares().size());
        out.flush();
    }
}
