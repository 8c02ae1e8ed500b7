package io.culvert.cli;

import io.culvert.CulvertException;
import io.culvert.study.Plan;
import io.culvert.study.PlannedRun;
import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code culvert study retry}: sets failed runs free. */
@Command(
        name = "retry",
        description = {
            "Sets failed runs free, so that culvert study run takes them up again, each from its last checkpoint.",
        })
final class StudyRetryCommand implements Runnable {
    @Mixin
    private StudyCommand.Which which;

    @Option(names = "--run", paramLabel = "ID", description = "Only this run; may be given again. All failed ones without.")
    private List<String> ids = List.of();

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        Plan plan = Plan.of(which.study());
        List<PlannedRun> chosen = ids.isEmpty() ? plan.runs() : ids.stream().map(plan::run).toList();
        List<PlannedRun> freed = chosen.stream().filter(PlannedRun::retry).toList();
        if (freed.isEmpty() && !ids.isEmpty()) {
            throw CulvertException.usage("%s: has not failed; culvert study status says how far runs are", ids.getFirst());
        }
        PrintWriter out = spec.commandLine().getOut();
        freed.forEach(run -> out.println(run.id() + "  " + run.title()));
        out.println(freed.size() + " runs set free: culvert study run takes them up");
        out.flush();
    }
}
