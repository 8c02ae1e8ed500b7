package io.culvert.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code culvert data}: the commands about data sets. */
@Command(
        name = "data",
        description = "Checks or makes a data set.",
        subcommands = {DataCheckCommand.class, DataSynthCommand.class})
public final class DataCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    /** Without a subcommand: say which there are. */
    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getErr());
        throw new CommandLine.ParameterException(spec.commandLine(), "no data command given");
    }
}
