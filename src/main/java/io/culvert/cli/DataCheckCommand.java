package io.culvert.cli;

import io.culvert.CulvertException;
import io.culvert.data.Dataset;
import io.culvert.data.DatasetCheck;
import io.culvert.data.DatasetCheck.Options;
import io.culvert.data.DatasetCheck.Report;
import io.culvert.data.DatasetCheck.Size;
import io.culvert.data.DefectCode;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code culvert data check}: what is in a data set, and what would stop or spoil a run on it. */
@Command(
        name = "check",
        description = "Counts a data set's images per code and size, and finds bad rows and missing, damaged, tiny or"
                + " twice listed images. Exit code 3 if there are any.",
        footer = {"", "Example:", "  culvert data check --csv SewerML_Val.csv --images valid00"})
public final class DataCheckCommand implements Callable<Integer> {
    private static final long REPORT_NANOS = 5_000_000_000L;

    @Spec
    private CommandSpec spec;

    @Option(names = "--csv", paramLabel = "FILE", required = true, description = "Annotations in Sewer-ML's CSV form.")
    private Path csv;

    @Option(
            names = "--images",
            paramLabel = "DIR",
            required = true,
            description = "Folder of the images that the CSV names.")
    private Path images;

    @Option(
            names = "--no-decode",
            description = "Only see that the images are there and not empty; quick, but finds no damaged one.")
    private boolean noDecode;

    @Option(
            names = "--list",
            paramLabel = "N",
            defaultValue = "20",
            description = "Problems to list; the others are counted (${DEFAULT-VALUE}).")
    private int listed;

    @Option(names = "--threads", paramLabel = "N", description = "Images looked at at a time (one per core).")
    private int threads = Runtime.getRuntime().availableProcessors();

    private long start;
    private long lastReport;

    @Override
    public Integer call() {
        start = System.nanoTime();
        lastReport = start;
        Report report = DatasetCheck.run(csv, images, new Options(!noDecode, threads, listed), this::progress);
        PrintWriter out = spec.commandLine().getOut();
        printContents(out, report);
        printProblems(out, report);
        out.flush();
        return report.ok() ? 0 : CulvertException.Kind.DATA.exitCode;
    }

    private synchronized void progress(int done) {
        long now = System.nanoTime();
        if (now - lastReport >= REPORT_NANOS) {
            lastReport = now;
            PrintWriter err = spec.commandLine().getErr();
            err.printf(Locale.ROOT, "check: %d images, %.0f images/s%n", done, done / ((now - start) * 1e-9));
            err.flush();
        }
    }

    private void printContents(PrintWriter out, Report report) {
        Dataset dataset = report.dataset();
        int count = dataset.size();
        out.printf(Locale.ROOT, "%s: %d images", csv, count);
        if (count > 0 && dataset.labelled()) {
            int defective = dataset.defectCount();
            out.printf(Locale.ROOT, ", %d normal, %d defective (%.1f %%)%n%n", count - defective, defective,
                    100.0 * defective / count);
            for (DefectCode code : DefectCode.values()) {
                out.printf(Locale.ROOT, "  %s  %8d  %s%n", code, dataset.count(code), code.meaning());
            }
        } else {
            out.println(count > 0 ? ", without labels" : "");
        }
        out.println();
        for (Map.Entry<Size, Integer> entry : report.sizes().entrySet()) {
            Size size = entry.getKey();
            out.printf(Locale.ROOT, "  %-10s  %8d%s%n", size, entry.getValue(),
                    size.inSewerMl() ? "" : "  (not a size of Sewer-ML)");
        }
    }

    private static void printProblems(PrintWriter out, Report report) {
        if (report.ok()) {
            out.println("No problems.");
            return;
        }
        out.printf(Locale.ROOT, "%d problem%s:%n", report.problemCount(), report.problemCount() == 1 ? "" : "s");
        report.problems().forEach(problem -> out.println("  " + problem));
        long unlisted = report.problemCount() - report.problems().size();
        if (unlisted > 0) {
            out.printf(Locale.ROOT, "  and %d more (--list N lists more)%n", unlisted);
        }
    }
}
