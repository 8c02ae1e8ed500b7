package io.culvert.cli;

import io.culvert.CulvertException;
import io.culvert.data.Dataset;
import io.culvert.data.DatasetCheck;
import io.culvert.data.DatasetCheck.Options;
import io.culvert.data.DatasetCheck.Report;
import io.culvert.data.DatasetCheck.Size;
import io.culvert.data.DefectCode;
import io.culvert.data.Groups;
import io.culvert.data.NearDuplicates;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
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
                + " twice listed images; with --near-duplicates also pictures that look alike. Exit code 3 if there are any.",
        footer = {
            "",
            "Examples:",
            "  culvert data check --csv SewerML_Val.csv --images valid00",
            "  culvert data check --csv SewerML_Train.csv --images train --val-csv SewerML_Val.csv --val-images valid \\",
            "      --near-duplicates=6 --group-by '(p\\d+)_'"
        })
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
            names = "--val-csv",
            paramLabel = "FILE",
            description = "Annotations of a second data set to check, and to hold against the first.")
    private Path valCsv;

    @Option(
            names = "--val-images",
            paramLabel = "DIR",
            description = "Folder of its images; left out: the same as --images.")
    private Path valImages;

    @Option(
            names = "--near-duplicates",
            paramLabel = "BITS",
            arity = "0..1",
            fallbackValue = "" + NearDuplicates.DISTANCE,
            description = "Find pictures with the same pixels, and pictures that look alike: whose hashes differ in at most"
                    + " so many of 64 bits (${FALLBACK-VALUE}), within each data set and between them.")
    private Integer nearDuplicates;

    @Option(
            names = "--group-by",
            paramLabel = "REGEX",
            description = "Pipe or video in a file's name, as data.group_by has it: no group may be in both data sets;"
                    + " pictures of one may look alike.")
    private String groupBy = "";

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
        PrintWriter out = spec.commandLine().getOut();
        Report first = check(csv, images, out);
        boolean ok = first.ok();
        ok &= near(first, csv, out);
        if (valCsv != null) {
            out.println();
            Report second = check(valCsv, valImages == null ? images : valImages, out);
            ok &= second.ok();
            ok &= near(second, valCsv, out);
            ok &= groupsApart(first, second, out);
            if (nearDuplicates != null) {
                NearDuplicates.Report between = NearDuplicates.between(
                        first.fingerprints().orElseThrow(), second.fingerprints().orElseThrow(), nearDuplicates, listed);
                ok &= print(between, csv + " and " + valCsv, valCsv, out);
            }
        }
        out.flush();
        return ok ? 0 : CulvertException.Kind.DATA.exitCode;
    }

    private Report check(Path annotations, Path folder, PrintWriter out) {
        start = System.nanoTime();
        lastReport = start;
        Options options = new Options(!noDecode, threads, listed, nearDuplicates != null);
        Report report = DatasetCheck.run(annotations, folder, options, this::progress);
        printContents(annotations, out, report);
        printProblems(out, report);
        return report;
    }

    private boolean groupsApart(Report first, Report second, PrintWriter out) {
        if (groupBy.isEmpty()) {
            return true;
        }
        Groups here = Groups.of(groupBy, first.dataset().samples());
        List<String> shared = here.sharedWith(Groups.of(groupBy, second.dataset().samples()));
        out.printf("%n%s and %s: %s%n", csv, valCsv,
                shared.isEmpty() ? "no group in both." : shared.size() + " groups in both:");
        list(shared, shared.size(), out);
        return shared.isEmpty();
    }

    private boolean near(Report report, Path name, PrintWriter out) {
        return nearDuplicates == null
                || print(
                        NearDuplicates.within(report.fingerprints().orElseThrow(), nearDuplicates, listed, groupBy), name.toString(), name, out);
    }

    private boolean print(NearDuplicates.Report report, String name, Path counted, PrintWriter out) {
        if (report.ok()) {
            out.printf("%n%s: no near duplicates.%n", name);
            return true;
        }
        out.printf(Locale.ROOT, "%n%s: %d with the same pixels, %d that look alike (pairs); pictures of %s among them: %d%n",
                name, report.exact(), report.near(), counted, report.pictures());
        list(report.pairs().stream().map(NearDuplicates.Pair::toString).toList(), report.exact() + report.near(), out);
        return false;
    }

    private void list(List<String> lines, long count, PrintWriter out) {
        lines.stream().limit(listed).forEach(line -> out.println("  " + line));
        long unlisted = count - Math.min(listed, lines.size());
        if (unlisted > 0) {
            out.printf(Locale.ROOT, "  and %d more (--list N lists more)%n", unlisted);
        }
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

    private static void printContents(Path csv, PrintWriter out, Report report) {
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

    private void printProblems(PrintWriter out, Report report) {
        if (report.ok()) {
            out.println("No problems.");
            return;
        }
        out.printf(Locale.ROOT, "%d problem%s:%n", report.problemCount(), report.problemCount() == 1 ? "" : "s");
        list(report.problems(), report.problemCount(), out);
    }
}
