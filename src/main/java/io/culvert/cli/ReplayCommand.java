package io.culvert.cli;

import io.culvert.CulvertException;
import io.culvert.train.Replay;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code culvert replay}: where NaN or infinity began. */
@Command(
        name = "replay",
        description = {
            "Does the step that a run diverged in once more and shows what every operation put out, to see where NaN or",
            "infinity began. A run that diverges leaves the step in runs/NAME/diverged.safetensors.",
            "",
            "Exit code 0 if all is finite, 5 if not."
        },
        footer = {
            "",
            "Examples:",
            "  culvert replay runs/mine",
            "  culvert replay runs/mine/diverged.safetensors --all --device cpu"
        })
final class ReplayCommand implements Callable<Integer> {
    private static final String ROW = "%-2s%-34.34s %-14.14s %-20s %11s %11s %11s %11s %9s %9s%n";

    @Parameters(paramLabel = "RUN|FILE", description = "The folder of the run, or the file.")
    private Path run;

    @Option(names = "--device", paramLabel = "NAME",
            description = "cpu, cuda or emulator instead of the run's own; cpu and emulator compute in fp32.")
    private String device;

    @Option(names = "--all", description = "Show every operation, input, weight and gradient.")
    private boolean all;

    @Option(names = "--limit", paramLabel = "N", defaultValue = "8",
            description = "Rows to show on either side of the first that is not finite (${DEFAULT-VALUE}).")
    private int limit;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        List<String> overrides = new ArrayList<>();
        if (device != null) {
            overrides.add("device=" + device);
            if (!device.equals("cuda")) {
                overrides.add("precision=fp32");
            }
        }
        Replay replay = Replay.of(run, overrides);
        PrintWriter out = spec.commandLine().getOut();
        out.printf("step %d, loss %s%n", replay.step(), replay.loss());
        out.printf(ROW, "", "name", "kind", "shape", "min", "max", "mean", "std", "NaN", "Inf");
        int broken = replay.firstBroken();
        part(out, replay.inputs(), -1);
        part(out, replay.weights(), -1);
        for (int i = 0; i < replay.forward().size(); i++) {
            boolean near = broken < 0 ? i >= replay.forward().size() - limit : Math.abs(i - broken) <= limit;
            if (all || near) {
                row(out, replay.forward().get(i), i == broken ? ">>" : "");
            }
        }
        part(out, replay.gradients(), limit);
        out.println(replay.verdict());
        out.flush();
        return replay.isFinite() ? 0 : CulvertException.Kind.DIVERGED.exitCode;
    }

    /** Those that are not finite, or all; backward fills gradients from the last on. */
    private void part(PrintWriter out, List<Replay.Line> lines, int most) {
        int shown = 0;
        for (Replay.Line line : most < 0 ? lines : lines.reversed()) {
            if (all || !line.values().isFinite() && (most < 0 || shown++ < most)) {
                row(out, line, "");
            }
        }
    }

    private static void row(PrintWriter out, Replay.Line line, String mark) {
        Replay.Values values = line.values();
        out.printf(ROW, mark, line.name(), line.kind(), line.shape(), number(values.min()), number(values.max()),
                number(values.mean()), number(values.std()), values.nans(), values.infinities());
    }

    private static String number(double value) {
        return Double.isNaN(value) ? "-" : String.format(Locale.ROOT, "%.4g", value);
    }
}
