package io.culvert.cli;

import io.culvert.CulvertException;
import io.culvert.data.synth.ContactSheet;
import io.culvert.data.synth.SynthConfig;
import io.culvert.data.synth.SynthConfig.Format;
import io.culvert.data.synth.SyntheticSewers;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code culvert data synth}: writes a data set of synthetic sewer pictures, a contact sheet of them, or both. */
@Command(
        name = "synth",
        description = "Writes synthetic sewer pictures with Sewer-ML's annotations: a data set that anyone may have.",
        footer = {
            "",
            "Example:",
            "  culvert data synth --out data/synth --train 4000 --val 1000 --size 176x144",
            "  culvert data synth --contact-sheet docs/images/synthetic-sewer.jpg --seed 12"
        })
public final class DataSynthCommand implements Runnable {
    private static final Pattern SIZE = Pattern.compile("(\\d{1,5})x(\\d{1,5})");

    @Spec
    private CommandSpec spec;

    @Option(names = "--out", paramLabel = "DIR", description = "Folder to write; must be empty or not there yet.")
    private Path out;

    @Option(
            names = "--train",
            paramLabel = "N",
            defaultValue = "2000",
            description = "Training pictures (${DEFAULT-VALUE}).")
    private int train;

    @Option(
            names = "--val",
            paramLabel = "N",
            defaultValue = "1000",
            description = "Validation pictures (${DEFAULT-VALUE}).")
    private int val;

    @Option(
            names = "--defect-share",
            paramLabel = "P",
            defaultValue = "0.47",
            description = "Share of pictures with a defect; Sewer-ML has ${DEFAULT-VALUE}.")
    private double defectShare;

    @Option(names = "--size", paramLabel = "WxH", defaultValue = "352x288", description = "Pixels (${DEFAULT-VALUE}).")
    private String size;

    @Option(
            names = "--seed",
            paramLabel = "S",
            defaultValue = "1",
            description = "Same seed, same pictures (${DEFAULT-VALUE}).")
    private long seed;

    @Option(
            names = "--format",
            paramLabel = "jpg|png",
            defaultValue = "jpg",
            description = "File format (${DEFAULT-VALUE}).")
    private String format;

    @Option(
            names = "--masks",
            description = "Also write label masks: grey value 0 sound, 1 to 17 the codes in CSV order.")
    private boolean masks;

    @Option(
            names = "--nuisance",
            paramLabel = "F",
            defaultValue = "1",
            description = "How much pipes and cameras differ, from 0 (not at all) to 1 (as in the field). Exposure and"
                    + " colour always vary.")
    private double nuisance;

    @Option(
            names = "--severity",
            paramLabel = "F",
            defaultValue = "1",
            description = "How far the defects go, up to 1; less is harder to see.")
    private double severity;

    @Option(
            names = "--frames-per-pipe",
            paramLabel = "N",
            defaultValue = "1",
            description = "Neighbouring frames of each pipe (${DEFAULT-VALUE}); above 1, names carry the pipe:"
                    + " p000123_004.jpg, and no pipe is in both splits.")
    private int framesPerPipe;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "Pictures drawn at a time (one per core). Changes no pixel.")
    private int threads = Runtime.getRuntime().availableProcessors();

    @Option(names = "--overwrite", description = "Write into a folder that holds files; replaces an earlier data set.")
    private boolean overwrite;

    @Option(
            names = "--contact-sheet",
            paramLabel = "FILE",
            description = "Write a JPEG sheet with one picture per defect code.")
    private Path contactSheet;

    @Override
    public void run() {
        if (out == null && contactSheet == null) {
            throw CulvertException.usage("nothing to write: add --out DIR, --contact-sheet FILE or both");
        }
        SynthConfig config = config();
        if (contactSheet != null) {
            ContactSheet.write(contactSheet, seed, nuisance, severity);
        }
        if (out != null) {
            PrintWriter err = spec.commandLine().getErr();
            SynthProgress progress = new SynthProgress(err, config.train() + config.val());
            SyntheticSewers.write(out, config, overwrite, progress::update);
            progress.finish(out);
        }
    }

    private SynthConfig config() {
        Matcher match = SIZE.matcher(size);
        if (!match.matches()) {
            throw CulvertException.usage("--size: expected WIDTHxHEIGHT such as 352x288, got '%s'", size);
        }
        Format stored = switch (format.toLowerCase(Locale.ROOT)) {
            case "jpg", "jpeg" -> Format.JPG;
            case "png" -> Format.PNG;
            default -> throw CulvertException.usage("--format: expected jpg or png, got '%s'", format);
        };
        int width = Integer.parseInt(match.group(1));
        int height = Integer.parseInt(match.group(2));
        return new SynthConfig(
                train, val, defectShare, width, height, seed, stored, masks, nuisance, severity, threads, framesPerPipe);
    }
}
