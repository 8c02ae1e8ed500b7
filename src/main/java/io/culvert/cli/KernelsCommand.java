package io.culvert.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code culvert kernels}: the commands that look at GPU kernels without a GPU. */
@Command(
        name = "kernels",
        description = {
            "Looks at GPU kernels in PTX without a GPU: ours, or any that nvcc wrote.",
            "They run in an interpreter that checks every access and counts every instruction. It is no model of time."
        },
        footer = {
            "",
            "Examples:",
            "  culvert kernels list softmax",
            "  culvert kernels run softmax softmax_forward_f32 --grid 1 --block 32,8 buf:f32:74 rand:f32:74:1 2 37",
            "  culvert kernels profile"
        },
        subcommands = {KernelsListCommand.class, KernelsRunCommand.class, KernelsProfileCommand.class})
public final class KernelsCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    /** Without a subcommand: say which there are. */
    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getErr());
        throw new CommandLine.ParameterException(spec.commandLine(), "no kernels command given");
    }
}
