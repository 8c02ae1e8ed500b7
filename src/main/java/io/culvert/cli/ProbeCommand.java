package io.culvert.cli;

import io.culvert.report.AnomalyReport;
import io.culvert.report.ReportWriter;
import io.culvert.report.RunReport;
import io.culvert.train.EncoderFile;
import io.culvert.train.ProbeFile;
import io.culvert.train.Probing;
import io.culvert.train.RunConfig;
import io.culvert.train.RunFolder;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code culvert probe}: from an encoder and labels to a report. */
@Command(
        name = "probe",
        description = {
            "Fits a linear probe on the frozen features of a run's encoder and judges it on the validation images,",
            "beside the same probe on the same network untrained. Other readers of the same features stand beside it:",
            "nearest neighbours, the study's probe trained by batches, and a supervised run's own classifier.",
            "",
            "Writes report.html, report.json and probe.safetensors into the run's folder."
        },
        footer = {
            "",
            "Examples:",
            "  culvert probe --run runs/demo",
            "  culvert probe --run runs/mine data.val_csv=SewerML_Val.csv data.val_images=valid"
        })
final class ProbeCommand implements Runnable {
    @Option(names = "--run", paramLabel = "DIR", required = true, description = "The folder of a finished run.")
    private Path run;

    @Parameters(paramLabel = "KEY=VALUE", description = "Keys that replace those the run was trained with.")
    private List<String> overrides = List.of();

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        Path resolved = RunFolder.configOf(run);
        List<String> commands = new ArrayList<>();
        commands.add("culvert pretrain --config " + resolved);
        commands.add("culvert probe --run " + run + overrides.stream().map(o -> " " + o).reduce("", String::concat));
        probe(RunConfig.load(resolved, overrides), run, List.of(), commands, spec.commandLine().getOut());
    }

    /** Probes, writes the report and prints its gist. */
    static void probe(RunConfig config, Path runFolder, List<String> notes, List<String> commands, PrintWriter out) {
        try (RunFolder folder = RunFolder.open(runFolder, RunFolder.Mode.RESUME)) {
            Optional<Path> classifier =
                    config.method().name().equals("supervised") ? Optional.of(folder.checkpoint()) : Optional.empty();
            Probing.Comparison comparison =
                    Probing.compare(config, EncoderFile.strict(folder.encoder()), classifier);
            ProbeFile.save(folder.probe(), comparison.trained().probe());
            AnomalyReport report =
                    RunReport.of(config, folder, comparison, MachineFacts.of(comparison.device()), notes, commands);
            ReportWriter.write(folder.path(), report);
            for (AnomalyReport.Reader reader : report.readers()) {
                out.printf("%-15s %s%n", reader.name(), line(reader));
            }
            for (AnomalyReport.LabelFreeScore score : report.labelFree()) {
                out.printf("%-24s %10s (untrained %s), %s is better%n", score.name(), number(score.trained()),
                        number(score.untrained()), score.better());
            }
            out.println("report: " + folder.report());
            out.flush();
        }
    }

    private static String number(Double value) {
        return value == null ? "undefined" : "%.4g".formatted(value);
    }

    private static String line(AnomalyReport.Reader reader) {
        AnomalyReport.Numbers trained = reader.trained();
        AnomalyReport.Numbers untrained = reader.untrained();
        return untrained == null
                ? "AUROC %.3f  average precision %.3f  F1 %.3f"
                        .formatted(trained.auroc(), trained.averagePrecision(), trained.f1())
                : "AUROC %.3f (untrained %.3f)  average precision %.3f (%.3f)  F1 %.3f (%.3f)".formatted(
                        trained.auroc(), untrained.auroc(), trained.averagePrecision(), untrained.averagePrecision(),
                        trained.f1(), untrained.f1());
    }
}
