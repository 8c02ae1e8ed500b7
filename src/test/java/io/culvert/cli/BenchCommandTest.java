package io.culvert.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.CulvertException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class BenchCommandTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int execute(String... args) {
        CommandLine commandLine = Main.commandLine();
        commandLine.setOut(new PrintWriter(out, true));
        commandLine.setErr(new PrintWriter(err, true));
        return commandLine.execute(args);
    }

    @Test
    void helpListsItsOptions() {
        assertThat(execute("bench", "--help")).isZero();
        assertThat(out.toString()).contains("culvert bench", "--only", "DOWNCALL", "--peers", "--quick", "--results");
    }

    @Test
    void refusesWhatItDoesNotKnow() {
        assertThat(execute("bench", "--only", "gem")).isEqualTo(CulvertException.Kind.USAGE.exitCode);
        assertThat(err.toString()).contains("--only", "gem").hasLineCount(1);
    }

    @Test
    void refusesNoThreads() {
        assertThat(execute("bench", "--threads", "0")).isEqualTo(CulvertException.Kind.USAGE.exitCode);
        assertThat(err.toString()).contains("--threads").hasLineCount(1);
    }

    @Test
    void outsideTheSourceTreeItSaysWhereToRunIt(@TempDir Path elsewhere) {
        String home = System.getProperty("culvert.home");
        System.setProperty("culvert.home", elsewhere.toString());
        try {
            assertThat(execute("bench", "--only", "gemm", "--quick")).isEqualTo(CulvertException.Kind.USAGE.exitCode);
            assertThat(err.toString())
                    .contains(elsewhere.toString(), "./culvert bench")
                    .hasLineCount(1);
        } finally {
            if (home == null) {
                System.clearProperty("culvert.home");
            } else {
                System.setProperty("culvert.home", home);
            }
        }
    }
}
