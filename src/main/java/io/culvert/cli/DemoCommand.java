package io.culvert.cli;

import io.culvert.CulvertException;
import io.culvert.data.synth.SynthConfig;
import io.culvert.data.synth.SyntheticSewers;
import io.culvert.train.Pretraining;
import io.culvert.train.RunConfig;
import io.culvert.train.RunFolder;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code culvert demo}: the whole way on pictures that it draws itself. */
@Command(
        name = "demo",
        description = {
            "Draws synthetic sewer pictures, pre-trains on them without labels, fits a linear probe and writes a report.",
            "",
            "Takes a few minutes on two cores. Writes data/demo (pictures) and runs/demo (report.html and the rest), or where",
            "another configuration says."
        },
        footer = {
            "",
            "Examples:",
            "  culvert demo",
            "  culvert demo --overwrite schedule.epochs=20       longer, and better",
            "  culvert demo device=cuda                          on a GPU",
            "  culvert demo --config configs/demo-emulator.yaml --train 48 --test 24      on the simulated one"
        })
final class DemoCommand implements Runnable {
    private static final double DEFECT_SHARE = 0.47;
    /** Nearly one pipe and one camera, under changing light: what a few minutes of training can tell apart. */
    private static final double NUISANCE = 0.05;

    private static final int WIDTH = 176;
    private static final int HEIGHT = 144;

    @Option(names = "--overwrite", description = "Replace an earlier demo in the run's folder.")
    private boolean overwrite;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "The run's YAML file; configs/demo.yaml. Pictures are drawn into the folder of its data.csv.")
    private Path file = Path.of(System.getProperty("culvert.home", ""), "configs", "demo.yaml");

    @Option(names = "--train", paramLabel = "N", defaultValue = "2000", description = "Pictures to train on; ${DEFAULT-VALUE}.")
    private int train;

    @Option(names = "--test", paramLabel = "N", defaultValue = "1000", description = "Pictures to test on; ${DEFAULT-VALUE}.")
    private int test;

    @Parameters(paramLabel = "KEY=VALUE", description = "Keys that replace those of the file.")
    private List<String> overrides = List.of();

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        PrintWriter err = spec.commandLine().getErr();
        if (!Files.exists(file)) {
            throw CulvertException.usage(
                    "%s: not found; give --config, or start the demo with the culvert script of a checkout", file);
        }
        RunConfig config = RunConfig.load(file, overrides);
        Path data = config.data().csv().resolveSibling("");
        err.println("1/3  pictures: " + train + " to train on, " + test + " to test on, in " + data);
        draw(data, err);
        err.println("2/3  pre-training without labels: " + config.method().name() + ", " + config.model().name());
        Pretraining.run(config, overwrite ? RunFolder.Mode.OVERWRITE : mode(config));
        err.println("3/3  linear probe on frozen features, trained and untrained");
        ProbeCommand.probe(
                config,
                config.folder(),
                List.of("The pictures are synthetic: drawn by culvert data synth, not filmed in a sewer."),
                commands(data, config.folder()),
                spec.commandLine().getOut());
    }

    /** A demo that was interrupted goes on where it stopped. */
    private static RunFolder.Mode mode(RunConfig config) {
        boolean begun = Files.exists(config.folder().resolve("checkpoint.safetensors"));
        boolean finished = Files.exists(config.folder().resolve("report.html"));
        if (finished) {
            throw CulvertException.usage(
                    "%s: holds a finished demo, see report.html in it; --overwrite runs it again", config.folder());
        }
        return begun ? RunFolder.Mode.RESUME : RunFolder.Mode.FRESH;
    }

    private void draw(Path data, PrintWriter err) {
        if (Files.exists(data.resolve("SewerML_Val.csv"))) {
            return;
        }
        SynthConfig config = new SynthConfig(
                train,
                test,
                DEFECT_SHARE,
                WIDTH,
                HEIGHT,
                1,
                SynthConfig.Format.JPG,
                false,
                NUISANCE,
                1,
                Runtime.getRuntime().availableProcessors());
        SynthProgress progress = new SynthProgress(err, train + test);
        SyntheticSewers.write(data, config, true, progress::update);
        progress.finish(data);
    }

    private List<String> commands(Path data, Path run) {
        List<String> commands = new ArrayList<>();
        commands.add("culvert data synth --out %s --train %d --val %d --defect-share %s --size %dx%d --nuisance %s --seed 1"
                .formatted(data, train, test, DEFECT_SHARE, WIDTH, HEIGHT, NUISANCE));
        commands.add("culvert pretrain --config " + file + String.join("", overrides.stream().map(o -> " " + o).toList()));
        commands.add("culvert probe --run " + run);
        return commands;
    }
}
