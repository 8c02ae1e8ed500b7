package io.culvert.cli;

import io.culvert.report.AnomalyReport.Fact;
import io.culvert.study.Lifeline;
import io.culvert.study.Plan;
import io.culvert.study.PlannedRun;
import io.culvert.study.RunExecution;
import java.nio.file.Path;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code culvert study execute}: one run, in the process that a worker started for it. */
@Command(name = "execute", hidden = true, description = "Does one run of a study. Workers start it; its input ends with them.")
final class StudyExecuteCommand implements Runnable {
    @Option(names = "--folder", required = true, description = "The study's folder.")
    private Path folder;

    @Option(names = "--run", required = true, description = "The run's id.")
    private String id;

    @Option(names = "--claim", required = true, description = "Number of the worker's claim on the run.")
    private int claim;

    @Override
    public void run() {
        PlannedRun run = Plan.read(folder).run(id);
        Lifeline.hold(System.in, run.folder(), claim);
        RunExecution.execute(
                run,
                MachineFacts.of(run.config().device()).stream().collect(Collectors.toMap(Fact::name, Fact::value)));
    }
}
