package io.culvert.cli;

import io.culvert.report.AnomalyReport.Fact;
import io.culvert.study.Plan;
import io.culvert.study.RunExecution;
import java.nio.file.Path;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code culvert study execute}: runs that a worker asks for, in the process that it started for them. */
@Command(
        name = "execute",
        hidden = true,
        description = "Does runs of a study. Workers start it and name the runs on its input, which ends with them.")
final class StudyExecuteCommand implements Runnable {
    @Option(names = "--folder", required = true, description = "The study's folder.")
    private Path folder;

    @Override
    public void run() {
        try {
            RunExecution.serve(
                    Plan.read(folder),
                    System.in,
                    System.out,
                    device -> MachineFacts.of(device).stream().collect(Collectors.toMap(Fact::name, Fact::value)));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
