package io.culvert.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The {@code culvert} program: what it can do, and how its failures reach the user. */
@Command(
        name = "culvert",
        mixinStandardHelpOptions = true,
        scope = ScopeType.INHERIT,
        versionProvider = Version.class,
        sortOptions = false,
        usageHelpAutoWidth = true,
        synopsisHeading = "Usage: ",
        descriptionHeading = "%n",
        optionListHeading = "%nOptions:%n",
        parameterListHeading = "%nArguments:%n",
        commandListHeading = "%nCommands:%n")
public final class Main implements Runnable {
    /** Every command of the program, in the order that the help shows them. */
    private static List<Class<?>> commands() {
        return List.of(
                DataCommand.class,
                DemoCommand.class,
                PretrainCommand.class,
                ReplayCommand.class,
                ProbeCommand.class,
                FinetuneCommand.class,
                StudyCommand.class,
                EmbedCommand.class,
                VerifyCommand.class,
                KernelsCommand.class,
                ProfileCommand.class,
                BenchCommand.class,
                DoctorCommand.class);
    }

    private static final String[] DESCRIPTION = {
        "Pre-trains vision models on images without labels, then finds the anomalies among them."
    };

    private static final String[] FOOTER = {
        "",
        "Examples:",
        "  culvert demo                                      synthetic sewer images to report.html, a few minutes",
        "  culvert pretrain --config configs/demo.yaml seed=7  one run is one file; key=value overrides a key",
        "  culvert COMMAND --help                            what a command does, its options, an example",
        "",
        "Exit codes:",
        "  0 done   1 a check failed, or a fault of the program   2 wrong usage or configuration",
        "  3 missing or malformed data   4 device or native library   5 training diverged (NaN or infinity)",
        "  6 the emulator found a mistake in a kernel",
    };

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--stacktrace",
            scope = ScopeType.INHERIT,
            description = "On failure print the Java stack trace too.")
    private boolean stacktrace;

    public static void main(String[] args) {
        System.exit(run(args));
    }

    /** Runs one command line as {@link #main} does, and returns the exit code rather than leaving the JVM. */
    public static int run(String... args) {
        CommandLine commandLine = commandLine(args);
        Failures failures = new Failures(commandLine.getErr(), List.of(args).contains("--stacktrace"));
        try {
            return commandLine.execute(args);
        } catch (Error e) {
            // picocli hands exceptions to the handler below, but lets errors (out of memory, unlinked natives) through.
            return failures.report(e);
        }
    }

    /** The whole command tree with its error handling; tests give it other writers. */
    static CommandLine commandLine() {
        return commandLine(commands(), Function.identity());
    }

    /**
     * The tree that one command line needs: the command that it names, and beside it names and descriptions of the others
     * where the help may list them or an unknown name is to be mended. To look at every option of every command takes a
     * second of processor time.
     */
    static CommandLine commandLine(String[] args) {
        List<String> words =
                Stream.of(args).takeWhile(arg -> !arg.startsWith("@")).toList();
        // The root's options are flags, so the first word that is none is the command; picocli alone reads an @file.
        String named = words.stream()
                .filter(word -> !word.startsWith("-"))
                .findFirst()
                .orElse("");
        if (named.isEmpty() && words.size() < args.length) {
            return commandLine();
        }
        List<Class<?>> first =
                commands().stream().filter(type -> words.indexOf(name(type)) == 0).toList();
        return commandLine(
                first.isEmpty() ? commands() : first, type -> name(type).equals(named) ? type : outline(type));
    }

    private static CommandLine commandLine(List<Class<?>> commands, Function<Class<?>, ?> make) {
        Main main = new Main();
        CommandLine commandLine = new CommandLine(main);
        commandLine.getCommandSpec().usageMessage().description(DESCRIPTION).footer(FOOTER);
        for (Class<?> type : commands) {
            commandLine.addSubcommand(name(type), make.apply(type));
        }
        CommandLine kernels = commandLine.getSubcommands().get("kernels");
        if (kernels != null && !kernels.getSubcommands().isEmpty()) {
            KernelArguments.explain(kernels);
        }
        commandLine.setCaseInsensitiveEnumValuesAllowed(true);
        commandLine.setExecutionExceptionHandler(
                (exception, failed, parsed) -> new Failures(failed.getErr(), main.stacktrace).report(exception));
        commandLine.setParameterExceptionHandler((exception, args) -> Failures.usage(exception));
        return commandLine;
    }

    private static String name(Class<?> command) {
        return command.getAnnotation(Command.class).name();
    }

    private static CommandSpec outline(Class<?> type) {
        Command command = type.getAnnotation(Command.class);
        CommandSpec spec = CommandSpec.create().name(command.name());
        spec.usageMessage().description(command.description());
        return spec;
    }

    /** Without a command: say what there is. */
    @Override
    public void run() {
        PrintWriter err = spec.commandLine().getErr();
        spec.commandLine().usage(err);
        throw new CommandLine.ParameterException(spec.commandLine(), "no command given");
    }
}
