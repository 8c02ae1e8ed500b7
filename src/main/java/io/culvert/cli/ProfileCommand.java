package io.culvert.cli;

import io.culvert.CulvertException;
import io.culvert.profile.ProfileFiles;
import io.culvert.profile.Profiler;
import io.culvert.profile.Recording;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code culvert profile}: another command, and where the time of its training goes. */
@Command(
        name = "profile",
        description = {
            "Runs another command of culvert and says where the time of its training goes.",
            "",
            "After the warm-up it times one step of every two and writes profile.txt, profile.jsonl, trace.json (for",
            "ui.perfetto.dev) and roofline.svg: each operation's time, work and what bounds it, waits for data, memory.",
            "On a GPU times are the device's own, and kernels are launched one by one, not as one graph."
        },
        footer = {
            "",
            "Examples:",
            "  culvert profile -- pretrain --config configs/demo.yaml",
            "  culvert profile --stop --steps 10 --out here -- pretrain --config my.yaml name=looked-at"
        })
final class ProfileCommand implements Callable<Integer> {
    @Option(
            names = "--warmup",
            paramLabel = "N",
            defaultValue = "10",
            description = "Steps before anything is timed (default: ${DEFAULT-VALUE}).")
    private int warmup;

    @Option(
            names = "--steps",
            paramLabel = "N",
            defaultValue = "20",
            description = {
                "Steps to time (default: ${DEFAULT-VALUE}).",
                "As many that are not timed take turns with them and show what timing costs."
            })
    private int steps;

    @Option(
            names = "--stop",
            description = "End the command when the profile is made; its run can be resumed from its last checkpoint.")
    private boolean stop;

    @Option(names = "--out", paramLabel = "DIR", description = "Folder of the profile (default: profile in the run's folder).")
    private Path out;

    @Option(
            names = "--top",
            paramLabel = "N",
            defaultValue = "25",
            description = "Operations that the table lists (default: ${DEFAULT-VALUE}); profile.jsonl has all.")
    private int top;

    @Parameters(arity = "1..*", paramLabel = "COMMAND", description = "After --: the command with its options.")
    private List<String> command;

    private static final String GRAPH = "culvert.graph";

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        if (warmup < 0 || steps < 1 || top < 1) {
            throw CulvertException.usage("--warmup must be at least 0, --steps and --top at least 1");
        }
        if (command.getFirst().equals(spec.name())) {
            throw CulvertException.usage("a profile of a profile says nothing: name the command that trains");
        }
        // Read when a GPU is opened: kernels of a graph could not be timed one by one.
        String graph = System.setProperty(GRAPH, "false");
        int code;
        try (Profiler profiler = Profiler.open(new Profiler.Settings(warmup, steps, stop, out), this::ready)) {
            code = inner().execute(command.toArray(String[]::new));
            profiler.close();
            if (code == 0 && !profiler.isFinished()) {
                throw profiler.isTaken()
                        ? CulvertException.usage(
                                "the training ended after %d steps, %d of which are warm-up: lower --warmup",
                                profiler.steps(), warmup)
                        : CulvertException.usage(
                                "'%s' trained nothing in this process: there is nothing to profile", command.getFirst());
            }
        } finally {
            if (graph == null) {
                System.clearProperty(GRAPH);
            } else {
                System.setProperty(GRAPH, graph);
            }
        }
        return code;
    }

    private CommandLine inner() {
        CommandLine inner = Main.commandLine();
        inner.setOut(spec.commandLine().getOut()).setErr(spec.commandLine().getErr());
        IExecutionExceptionHandler failures = inner.getExecutionExceptionHandler();
        inner.setExecutionExceptionHandler((exception, failed, parsed) ->
                exception instanceof Profiler.Stop ? 0 : failures.handleExecutionException(exception, failed, parsed));
        return inner;
    }

    private void ready(Recording recording) {
        PrintWriter text = spec.commandLine().getOut();
        text.print(ProfileFiles.write(recording, top));
        text.flush();
    }
}
