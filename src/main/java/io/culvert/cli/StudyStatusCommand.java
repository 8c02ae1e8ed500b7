package io.culvert.cli;

import io.culvert.study.Plan;
import io.culvert.study.RunStatus;
import io.culvert.study.State;
import java.io.PrintWriter;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code culvert study status}: how far a study is. */
@Command(
        name = "status",
        description = {
            "Says how far a study is: what runs, where and since when, what failed and why.",
            "",
            "Looks only; any machine that sees the folder may ask."
        })
final class StudyStatusCommand implements Runnable {
    @Mixin
    private StudyCommand.Which which;

    @Mixin
    private StudyCommand.Patience patience;

    @Option(names = "--all", description = "List the runs that are done or not begun, too.")
    private boolean all;

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        Plan plan = Plan.of(which.study());
        PrintWriter out = spec.commandLine().getOut();
        Map<State, Integer> counts = new EnumMap<>(State.class);
        for (RunStatus status : RunStatus.of(plan, patience.dead())) {
            counts.merge(status.state(), 1, Integer::sum);
            boolean still = status.state() == State.DONE || status.state() == State.PENDING;
            if (all || !still) {
                out.printf(
                        "%s  %-11s  %s%s%n", status.run().id(), status.state().word(), status.run().title(),
                        Optional.of(status.detail()).filter(d -> !d.isEmpty()).map(d -> ": " + d).orElse(""));
            }
        }
        StringBuilder line = new StringBuilder(plan.runs().size() + " runs in " + plan.folder() + ":");
        for (State state : State.values()) {
            int count = counts.getOrDefault(state, 0);
            if (count > 0) {
                line.append(' ').append(count).append(' ').append(state.word()).append(',');
            }
        }
        out.println(line.substring(0, line.length() - 1));
        out.flush();
    }
}
