package io.culvert.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.train.Run;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The scripts for a GPU machine: what they say of themselves and of wrong use. That they work takes a GPU and minutes. */
class GpuScriptsTest {
    @TempDir
    Path empty;

    private record Result(int status, String output) {}

    private static Result sh(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("sh"));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Result(process.waitFor(), output);
    }

    @Test
    void helpNamesThePartsAndTheOptions() throws IOException, InterruptedException {
        Result run = sh("gpu/run.sh", "--help");
        assertThat(run.status).as(run.output).isZero();
        assertThat(run.output).contains("doctor", "verify", "memcheck", "ranks", "peers", "--pack", "--out", "summary.txt");
        Result pack = sh("gpu/pack.sh", "--help");
        assertThat(pack.status).as(pack.output).isZero();
        assertThat(pack.output).contains("--vectors", "--gzip").doesNotContain("set -eu");
    }

    @Test
    void wrongUseIsToldInOneLine() throws IOException, InterruptedException {
        assertThat(sh("gpu/run.sh", "verfy")).isEqualTo(new Result(2, "run: error: unknown part verfy; see --help\n"));
        assertThat(sh("gpu/run.sh", "--device", "tpu").status).isEqualTo(2);
        Result nothingPacked = sh("gpu/run.sh", "--pack", empty.toString(), "doctor");
        assertThat(nothingPacked.status).isEqualTo(2);
        assertThat(nothingPacked.output).contains(empty.toString(), "run bench/gpu/pack.sh").hasLineCount(1);
    }

    /** What is packed runs on a runtime of few modules: one that lacks is found on the GPU machine, by a class that is not there. */
    @Test
    void theRuntimeHasTheModulesOfTheProgram() throws Exception {
        Path program = Path.of(Run.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        StringWriter said = new StringWriter();
        PrintWriter out = new PrintWriter(said);
        ToolProvider jdeps = ToolProvider.findFirst("jdeps").orElseThrow();
        int status = jdeps.run(
                out, out, "--ignore-missing-deps", "--multi-release", "22", "--print-module-deps", program.toString());
        assertThat(status).as(said.toString()).isZero();
        List<String> needed = new ArrayList<>(List.of(said.toString().strip().split(",")));
        assertThat(needed).contains("java.base", "jdk.incubator.vector");
        // Of DuckDB, which is left out.
        needed.remove("java.sql");
        Matcher modules = Pattern.compile("--add-modules (\\S+)").matcher(Files.readString(Path.of("gpu/pack.sh")));
        assertThat(modules.find()).isTrue();
        assertThat("java.base," + modules.group(1)).satisfies(packed -> assertThat(List.of(packed.split(","))).containsAll(needed));
    }
}
