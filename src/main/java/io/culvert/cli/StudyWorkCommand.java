package io.culvert.cli;

import io.culvert.CulvertException;
import io.culvert.study.Failure;
import io.culvert.study.Lifeline;
import io.culvert.study.Plan;
import io.culvert.study.PlannedRun;
import io.culvert.study.Workers;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code culvert study work}: one run, for an engine that hands runs out. */
@Command(
        name = "work",
        description = {
            "Does one run of a planned study, for engines that hand runs out.",
            "",
            "The run has a process of its own; if another worker is at it, this one waits. io.culvert.spark.SparkStudy hands runs to",
            "it on a Spark cluster. Ends when its standard input does.",
            "",
            "Exit code 0: the run is done. 3: it has failed, and its folder says why."
        })
final class StudyWorkCommand implements Runnable {
    @Option(names = "--folder", paramLabel = "DIR", required = true, description = "The study's folder.")
    private Path folder;

    @Option(names = "--run", paramLabel = "ID", required = true, description = "The run's id, as culvert study plan shows it.")
    private String id;

    @Mixin
    private StudyCommand.Patience patience;

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        Lifeline.hold(System.in);
        PlannedRun run = Plan.read(folder).run(id);
        Plan one = new Plan(folder, List.of(run));
        try {
            StudyProgress progress = new StudyProgress(one, 1, spec.commandLine().getErr());
            Workers.run(one, new Workers.Options(1, List.of(), patience.dead()), progress);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
        Failure.read(run.folder()).ifPresent(failure -> {
            throw CulvertException.data("%s (%s): %s", id, run.title(), failure.message());
        });
    }
}
