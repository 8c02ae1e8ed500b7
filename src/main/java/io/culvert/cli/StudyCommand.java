package io.culvert.cli;

import io.culvert.study.StudyConfig;
import io.culvert.study.StudyData;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code culvert study}: many runs as one. */
@Command(
        name = "study",
        description = {
            "Compares methods over shares of defects and seeds: a grid of runs as one command that can be killed and goes on.",
            "",
            "Runs have processes of their own. Workers on several machines that see one folder share the runs out among them: start the same command on each."
        },
        footer = {
            "",
            "Examples:",
            "  culvert study plan --config configs/study-small.yaml      what would run, and for how long",
            "  culvert study run --config configs/study-small.yaml       runs it, or goes on with it",
            "  culvert study status --config configs/study-small.yaml    how far it is",
            "  culvert study table --config configs/study-small.yaml     the results so far",
            "  culvert study report --config configs/study-small.yaml    the same as a page, with tests and figures"
        },
        subcommands = {
            StudyPlanCommand.class,
            StudyRunCommand.class,
            StudyStatusCommand.class,
            StudyRetryCommand.class,
            StudyTableCommand.class,
            StudyReportCommand.class,
            StudyWorkCommand.class,
            StudyExecuteCommand.class
        })
final class StudyCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(), "say what to do with the study: plan, run, status, retry, table or report");
    }

    /** Which study. */
    static final class Which {
        @Option(names = "--config", paramLabel = "FILE", required = true, description = "The study's YAML file.")
        private Path config;

        @Parameters(
                paramLabel = "KEY=VALUE",
                description = "Keys of the runs, of all rows: data.csv=SewerML_Train.csv. Give the same ones to every command of a study.")
        private List<String> overrides = List.of();

        StudyConfig study() {
            return StudyConfig.load(config, overrides);
        }

        /** As given, to be put into other commands. */
        String arguments() {
            return Stream.concat(Stream.of(config.toString()), overrides.stream())
                    .map(word -> word.matches("[\\w./=,:+-]+") ? word : "'" + word.replace("'", "'\\''") + "'")
                    .collect(Collectors.joining(" "));
        }

        /** Draws the study's pictures where it needs them and they are not there. */
        static void prepare(StudyConfig study, Duration dead, PrintWriter err) throws InterruptedException {
            int pictures = study.synthetic()
                    .map(synthetic -> synthetic.pictures().train() + synthetic.pictures().val())
                    .orElse(0);
            StudyData.substituted(study).ifPresent(missing -> {
                err.printf(
                        "culvert: note: %s is not there: using synthetic pictures in %s%n", missing,
                        study.synthetic().orElseThrow().folder());
                err.flush();
            });
            SynthProgress progress = new SynthProgress(err, pictures);
            if (StudyData.prepare(study, dead, progress::update)) {
                progress.finish(study.synthetic().orElseThrow().folder());
            }
        }
    }

    /** How long a silence counts as death. */
    static final class Patience {
        static final Duration USUAL = Duration.ofSeconds(60);

        @Option(
                names = "--dead-after",
                paramLabel = "SECONDS",
                defaultValue = "60",
                description = "A worker that shows no sign of life for so long is taken over; ${DEFAULT-VALUE}.")
        private double seconds;

        Duration dead() {
            return Duration.ofMillis(Math.max(1, Math.round(seconds * 1e3)));
        }
    }
}
