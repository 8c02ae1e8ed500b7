package io.culvert.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import io.culvert.CulvertException;
import io.culvert.emulator.ptx.ExecutionOrder;
import io.culvert.emulator.ptx.LaunchStats;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code culvert kernels profile}: exact counts of a launch, or of the recorded launch of each shipped kernel. */
@Command(
        name = "profile",
        description = {
            "Counts what a launch of a kernel does: instructions by class, global sectors, bank conflicts, divergence, ",
            "and the source lines that do most. Without arguments: every shipped kernel, at a small awkward shape.",
            "Counts are exact and the same on every machine. They are no times: there is no model of a cache or a clock."
        },
        footer = {
            "",
            "Examples:",
            "  culvert kernels profile softmax softmax_forward_f32 --grid 4 --block 32,8 \\",
            "      buf:f32:6304 rand:f32:6304 32 197",
            "",
            "  record all counts anew, from the source tree:",
            "  culvert kernels profile --tsv >src/test/resources/kernel-counts.tsv"
        })
public final class KernelsProfileCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private KernelLaunchOptions options;

    @Option(names = "--lines", paramLabel = "N", description = "How many source lines to show (${DEFAULT-VALUE}).")
    private int lines = 5;

    @Option(names = "--json", description = "Print one JSON array, with all lines.")
    private boolean json;

    @Option(names = "--tsv", description = "Print a tab-separated table.")
    private boolean tsv;

    private final ArrayNode array = new ObjectMapper().createArrayNode();

    @Override
    public Integer call() {
        if (json && tsv) {
            throw CulvertException.usage("--json or --tsv, not both");
        }
        PrintWriter out = spec.commandLine().getOut();
        if (tsv) {
            out.println(KernelProfile.columns());
        }
        if (options.given()) {
            PtxSource source = options.open();
            KernelLaunch launch = options.launch(source);
            LaunchStats stats = options.run(source, launch, spec.commandLine().getErr());
            if (stats == null) {
                return Failures.KERNEL_FAULT;
            }
            show(out, new KernelProfile(source.name(), launch.launch(), stats));
        } else {
            StandardLaunches standard = new StandardLaunches();
            for (StandardLaunches.Entry entry : StandardLaunches.entries()) {
                KernelLaunch launch = standard.launch(entry);
                show(out, new KernelProfile(entry.module(), launch.launch(), launch.run(ExecutionOrder.FORWARD)));
            }
        }
        if (json) {
            out.println(array.toPrettyString());
        }
        out.flush();
        return 0;
    }

    private void show(PrintWriter out, KernelProfile profile) {
        if (json) {
            profile.describe(array.addObject());
        } else {
            out.println(tsv ? profile.row() : profile.text(lines));
            out.flush();
        }
    }
}
