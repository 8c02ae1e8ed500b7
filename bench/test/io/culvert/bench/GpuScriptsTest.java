package io.culvert.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

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
        assertThat(run.output).contains("doctor", "verify", "memcheck", "ranks", "ops", "peers", "plan", "--minutes", "--pack", "--out", "summary.txt");
        Result pack = sh("gpu/pack.sh", "--help");
        assertThat(pack.status).as(pack.output).isZero();
        assertThat(pack.output).contains("--vectors", "--vectors-mib").doesNotContain("set -eu");
    }

    @Test
    void wrongUseIsToldInOneLine() throws IOException, InterruptedException {
        assertThat(sh("gpu/run.sh", "verfy")).isEqualTo(new Result(2, "run: error: unknown part verfy; see --help\n"));
        assertThat(sh("gpu/run.sh", "--device", "tpu").status).isEqualTo(2);
        assertThat(sh("gpu/run.sh", "--minutes", "1.5").output).isEqualTo("run: error: --minutes takes a whole number, not 1.5; see --help\n");
        Result nothingPacked = sh("gpu/run.sh", "--pack", empty.toString(), "doctor");
        assertThat(nothingPacked.status).isEqualTo(2);
        assertThat(nothingPacked.output).contains(empty.toString(), "run bench/gpu/pack.sh").hasLineCount(1);
    }

    /** The last lines of the summary, of numbers made up: PyTorch's eager step takes three times as long as ours, its compiled one half. */
    @Test
    void ratiosSetOursBesideEagerAndTheBest() throws IOException, InterruptedException {
        Result python = sh("-c", "python3 -c 'import json, pathlib'");
        assumeThat(python.status).as("a python3 on PATH").isZero();
        String step = "{\"bench\": \"step\", \"side\": \"%s\", \"model\": \"vit_tiny\", \"shape\": \"256,224\", \"precision\": \"bf16\", "
                + "\"median_s\": %s, \"images_per_s\": %s}%n";
        Files.writeString(
                empty.resolve("steps.jsonl"),
                step.formatted("culvert", "0.02", "12800") + step.formatted("pytorch eager", "0.06", "4266.7")
                        + step.formatted("pytorch compile max-autotune", "0.01", "25600")
                        + "{\"check\": \"steps on both devices\", \"same\": true}\n");
        String op = "{\"bench\": \"op_train\", \"side\": \"%s\", \"shape\": \"byol,4,8\", \"precision\": \"bf16\", \"median_s\": %s, "
                + "\"result\": %s%s}%n";
        Files.writeString(
                empty.resolve("ops.jsonl"),
                op.formatted("culvert", "4e-6", "0.5", ", \"of_copy\": 0.25, \"of_product\": 0.01")
                        + op.formatted("pytorch eager", "6e-6", "0.5", "") + op.formatted("pytorch graph", "1e-6", "0.7", ""));
        Result ratios = sh("-c", "python3 gpu/ratios.py \"$0\"", empty.toString());
        assertThat(ratios.output)
                .isEqualTo(
                        """
                        ratio vit_tiny 256,224 bf16: 12800.0 images/s, 3.00 times eager's 4266.7, 0.50 times the best of PyTorch (compile max-autotune)'s 25600.0
                        op train byol,4,8 bf16: 4.00 us, 25 % of a copy's bytes/s, 1 % of a product's FLOP/s; pytorch eager 6.00 us: 1.50 times; pytorch graph computes 0.7, not 0.5: not compared
                        """);
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
