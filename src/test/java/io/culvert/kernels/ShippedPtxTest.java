package io.culvert.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** The PTX that ships is what the sources in {@code kernels/} give. */
@Execution(ExecutionMode.CONCURRENT)
class ShippedPtxTest {
    /** The compiler that made it; another one may write other PTX for the same source. */
    private static final String COMPILER = "V13.0.88";

    @Test
    void isWhatTheSourcesGive() throws IOException, InterruptedException {
        assumeTrue(version().contains(COMPILER), "nvcc " + COMPILER + " is not on PATH: the PTX is not compiled again");
        Result result = run(List.of("sh", "../kernels/build.sh", "--check"));
        assertThat(result.status).as(result.output).isZero();
    }

    private static String version() throws InterruptedException {
        try {
            return run(List.of("nvcc", "--version")).output;
        } catch (IOException e) {
            return "none";
        }
    }

    private record Result(int status, String output) {}

    private static Result run(List<String> command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Result(process.waitFor(), output);
    }
}
