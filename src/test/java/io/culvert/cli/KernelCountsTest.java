package io.culvert.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** What each shipped kernel does at a recorded shape, to the instruction: a change of a count is a deliberate one. */
class KernelCountsTest {
    private static final Path TABLE = Path.of("test/resources/kernel-counts.tsv");

    @Test
    void everyShippedKernelHasARecordedLaunch() {
        List<String> shipped = new ArrayList<>();
        for (String module : PtxSource.shipped()) {
            PtxSource.open(module).module().kernels().keySet().forEach(kernel -> shipped.add(module + " " + kernel));
        }
        assertThat(shipped).hasSizeGreaterThan(100);
        assertThat(StandardLaunches.entries())
                .as("src/main/resources/io/culvert/ptx/launches.txt: one line for each kernel")
                .extracting(entry -> entry.module() + " " + entry.kernel())
                .containsExactlyInAnyOrderElementsOf(shipped);
    }

    @Test
    void countsAreThoseRecorded() throws IOException {
        CommandLine commandLine = Main.commandLine();
        StringWriter out = new StringWriter();
        commandLine.setOut(new PrintWriter(out, true));
        assertThat(commandLine.execute("kernels", "profile", "--tsv")).isZero();
        assertThat(out.toString().lines().toList())
                .as("if the change is meant: ./culvert kernels profile --tsv >src/%s", TABLE)
                .isEqualTo(Files.readAllLines(TABLE));
    }
}
