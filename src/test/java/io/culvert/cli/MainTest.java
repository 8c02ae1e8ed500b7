package io.culvert.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.CulvertException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Command;

class MainTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int execute(Object failing, String... args) {
        CommandLine commandLine = Main.commandLine();
        if (failing != null) {
            commandLine.addSubcommand("fail", failing);
            // addSubcommand leaves the handlers set before it behind.
            commandLine.setExecutionExceptionHandler(commandLine.getExecutionExceptionHandler());
            commandLine.setParameterExceptionHandler(commandLine.getParameterExceptionHandler());
        }
        commandLine.setOut(new PrintWriter(out, true));
        commandLine.setErr(new PrintWriter(err, true));
        return commandLine.execute(args);
    }

    @Command(name = "fail")
    static final class Fail implements Runnable {
        private final RuntimeException exception;

        Fail(RuntimeException exception) {
            this.exception = exception;
        }

        @Override
        public void run() {
            throw exception;
        }
    }

    @Test
    void helpTeaches() {
        assertThat(execute(null, "--help")).isZero();
        assertThat(out.toString()).contains("Usage: culvert", "Examples:", "culvert demo", "Exit codes:");
        assertThat(out.toString().lines()).allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(120));
    }

    @Test
    void versionNamesTheBuildAndTheJava() {
        assertThat(execute(null, "--version")).isZero();
        assertThat(out.toString()).matches("(?s)culvert \\d+\\.\\d+\\.\\S+\\RJava .*");
    }

    @Test
    void noCommandIsAUsageError() {
        assertThat(execute(null)).isEqualTo(2);
        assertThat(err.toString()).contains("Usage: culvert").contains("culvert: error: no command given");
    }

    @Test
    void aMistypedCommandIsAUsageErrorThatSuggests() {
        assertThat(execute(new Fail(null), "fial")).isEqualTo(2);
        assertThat(err.toString()).startsWith("culvert: error: ").contains("'fial'; did you mean 'fail'?");
        assertThat(err.toString().lines()).hasSize(1);
    }

    @Test
    void aMistypedOptionIsAUsageErrorThatSuggests() {
        assertThat(execute(new Fail(null), "fail", "--stacktrac")).isEqualTo(2);
        assertThat(err.toString()).contains("did you mean '--stacktrace'?", "'culvert fail --help'");
    }

    @Test
    void aMendableFailureIsOneLineWithItsExitCode() {
        assertThat(execute(new Fail(CulvertException.data("a.csv: row 3\nis short")), "fail"))
                .isEqualTo(3);
        assertThat(err.toString()).isEqualToIgnoringNewLines("culvert: error: a.csv: row 3 is short");
        assertThat(execute(new Fail(CulvertException.usage("u")), "fail")).isEqualTo(2);
        assertThat(execute(new Fail(CulvertException.device("d")), "fail")).isEqualTo(4);
        assertThat(execute(new Fail(CulvertException.diverged("n")), "fail")).isEqualTo(5);
    }

    @Test
    void anUnexpectedFailureNamesTheFileWithItsStackTrace() throws IOException {
        assertThat(execute(new Fail(new IllegalStateException("boom")), "fail")).isEqualTo(1);
        assertThat(err.toString().lines()).hasSize(1);
        assertThat(err.toString()).contains("internal error: java.lang.IllegalStateException: boom");
        String name = err.toString().replaceAll("(?s).*stack trace in (\\S+) .*", "$1");
        Path file = Path.of(name);
        assertThat(Files.readString(file)).contains("at io.culvert.cli.MainTest");
        Files.delete(file);
    }

    @Test
    void stacktraceIsPrintedOnRequestWhereverTheOptionStands() {
        assertThat(execute(new Fail(new IllegalStateException("boom")), "fail", "--stacktrace"))
                .isEqualTo(1);
        assertThat(err.toString()).contains("at io.culvert.cli.MainTest").doesNotContain("stack trace in");
    }

    @Test
    void aCommandLineBuildsTheCommandThatItNamesAndTheHelpOfTheWholeTree() {
        CommandLine whole = Main.commandLine();
        assertThat(Main.commandLine(new String[] {"--help"}).getUsageMessage()).isEqualTo(whole.getUsageMessage());
        // What the root takes are flags: else their values would be taken for the command.
        assertThat(whole.getCommandSpec().options())
                .allSatisfy(option -> assertThat(option.arity().max()).isZero());

        assertThat(whole.getSubcommands()).allSatisfy((name, command) -> {
            CommandLine named = Main.commandLine(new String[] {"--stacktrace", name, "doctor"});
            assertThat(named.getSubcommands().get(name).getUsageMessage()).isEqualTo(command.getUsageMessage());
            assertThat(named.getSubcommands().get(name).getSubcommands().keySet())
                    .isEqualTo(command.getSubcommands().keySet());
        });
        CommandLine fromFile = Main.commandLine(new String[] {"--stacktrace", "@arguments.txt"});
        assertThat(fromFile.getSubcommands().get("study").getSubcommands()).isNotEmpty();
        assertThat(Main.commandLine(new String[] {"doctor"}).getSubcommands()).containsOnlyKeys("doctor");
        // Help before a command is the program's, and an unknown command is mended by the names of all.
        assertThat(Main.commandLine(new String[] {"-h", "doctor"}).getUsageMessage())
                .isEqualTo(whole.getUsageMessage());
        CommandLine unknown = Main.commandLine(new String[] {"doctr"});
        assertThat(unknown.getSubcommands().keySet())
                .isEqualTo(whole.getSubcommands().keySet());
        assertThat(unknown.getSubcommands().get("study").getSubcommands()).isEmpty();
    }
}
