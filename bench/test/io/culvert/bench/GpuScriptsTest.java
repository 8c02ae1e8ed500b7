package io.culvert.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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
        assertThat(run.output).contains("doctor", "verify", "memcheck", "peers", "--pack", "--out", "summary.txt");
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
}
