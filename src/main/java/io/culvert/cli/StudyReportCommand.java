package io.culvert.cli;

import io.culvert.study.Plan;
import io.culvert.study.StudyConfig;
import io.culvert.study.report.StudyReport;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code culvert study report}: results as a page. */
@Command(
        name = "report",
        description = {
            "Writes the results of a study so far as one HTML page that opens without a network, with its tables as Markdown and CSV in the folder 'tables' beside it and every result as a line of results.jsonl.",
            "",
            "Each figure and table is followed by the command that gives its numbers."
        })
final class StudyReportCommand implements Runnable {
    @Mixin
    private StudyCommand.Which which;

    @Option(names = "--out", paramLabel = "FILE", description = "The page; report.html in the study's folder.")
    private Optional<Path> out;

    @Option(
            names = "--test-share",
            paramLabel = "P",
            description = "Share of defects in the test set at which networks are compared; the greatest.")
    private Optional<Double> testShare;

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        StudyConfig study = which.study();
        Path file = out.orElse(study.folder().resolve("report.html"));
        StudyReport.write(study, Plan.of(study), which.arguments(), testShare.orElse(0.0), file);
        spec.commandLine().getOut().println(file);
        spec.commandLine().getOut().flush();
    }
}
