package io.culvert.device.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.device.ConvGeometry;
import io.culvert.device.CudaDevice;
import io.culvert.device.Precision;
import io.culvert.emulator.Emulator;
import io.culvert.emulator.TestEmulator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConvolutionSearchTest {
    private static final ConvGeometry GEOMETRY = new ConvGeometry(1, 3, 3, 2, 2, 3, 1, 1);

    @TempDir
    Path cache;

    private Emulator emulator;

    @BeforeEach
    void offerTwo() {
        emulator = TestEmulator.install();
        emulator.offerConvolutionAlgorithms(2);
        System.setProperty("culvert.cache", cache.toString());
    }

    @AfterEach
    void offerOne() {
        System.clearProperty("culvert.cache");
        if (emulator != null) {
            emulator.offerConvolutionAlgorithms(1);
            emulator.refuseConvolutionAlgorithm(-1);
        }
    }

    @Test
    void triesAllAndRemembersTheFastest() throws IOException {
        Map<Integer, Integer> before = emulator.convolutionRuns();
        plan(Precision.FP32);
        Map<Integer, Integer> searched = emulator.convolutionRuns();
        for (int algorithm : List.of(1, 2)) {
            assertThat(searched.get(algorithm)).isGreaterThan(before.getOrDefault(algorithm, 0) + 1);
        }
        List<String> lines = Files.readAllLines(cache.resolve("convolutions.txt"));
        assertThat(lines).hasSize(1);
        assertThat(lines.getFirst()).contains("cuDNN", "forward", "float exact = ");

        plan(Precision.FP32);
        assertThat(emulator.convolutionRuns()).as("a choice that is known is not tried again").isEqualTo(searched);
        plan(Precision.TF32);
        assertThat(Files.readAllLines(cache.resolve("convolutions.txt"))).as("another precision is another choice").hasSize(2);
        assertThat(emulator.leaks()).isEmpty();
    }

    @Test
    void usesWhatTheFileSays() throws IOException {
        plan(Precision.FP32);
        Path file = cache.resolve("convolutions.txt");
        for (int algorithm : List.of(1, 2)) {
            Files.writeString(file, Files.readString(file).replaceAll(" = \\d", " = " + algorithm));
            Map<Integer, Integer> before = emulator.convolutionRuns();
            try (CudaDevice device = CudaDevice.open(0, Precision.FP32)) {
                CudaContext context = device.context();
                long memory = context.allocate("test", 4096);
                new CudnnConvolution(context, GEOMETRY, Element.FLOAT, memory, memory + 1024, memory + 2048).forward();
                context.stream().synchronize();
            }
            assertThat(emulator.convolutionRuns().get(algorithm)).isEqualTo(before.getOrDefault(algorithm, 0) + 1);
            assertThat(emulator.convolutionRuns().get(3 - algorithm)).isEqualTo(before.get(3 - algorithm));
        }
    }

    @Test
    void passesOverAnAlgorithmThatDoesNotRun() throws IOException {
        for (int number : List.of(1, 2)) {
            emulator.refuseConvolutionAlgorithm(number);
            Files.deleteIfExists(cache.resolve("convolutions.txt"));
            plan(Precision.FP32);
            assertThat(Files.readString(cache.resolve("convolutions.txt"))).contains(" = " + (3 - number) + ", ");
        }
    }

    private static void plan(Precision precision) {
        try (CudaDevice device = CudaDevice.open(0, precision)) {
            new CudnnConvolution(device.context(), GEOMETRY, Element.FLOAT, 0, 0, 0);
        }
    }
}
