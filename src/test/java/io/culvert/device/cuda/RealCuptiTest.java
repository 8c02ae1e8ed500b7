package io.culvert.device.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.culvert.CulvertException;
import io.culvert.bindings.load.NativeLibrary;
import io.culvert.bindings.load.NativeLibraryException;
import io.culvert.emulator.Emulator;
import io.culvert.emulator.TestEmulator;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * NVIDIA's own CUPTI where it is installed, and none at all. Each in a process of its own, because the emulator takes the
 * library's place in this one. Where it does not lie in a usual place, the environment names it: {@code CULVERT_CUPTI_PATH}.
 */
class RealCuptiTest {
    private static final int MISSING = 77;

    private record Said(int exit, String text) {}

    private static Said run(Class<?> child) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(new ArrayList<>(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "--add-modules=jdk.incubator.vector",
                        "-cp",
                        System.getProperty("java.class.path"),
                        child.getName())))
                .redirectErrorStream(true)
                .start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Said(process.waitFor(), text);
    }

    @Test
    void theRealOneIsUsableOrSaysWhyNot() throws IOException, InterruptedException {
        Said said = run(Real.class);
        assumeTrue(said.exit != MISSING, () -> "NVIDIA's CUPTI is not installed: " + said.text);
        assertThat(said.exit).as(said.text).isZero();
        assertThat(said.text).containsPattern("version 13\\.\\d+\\.\\d+");
        assertThat(said.text).containsPattern("a clock that runs|cuptiSubscribe: CUPTI_ERROR_\\w+ \\(\\d+\\)");
    }

    @Test
    void whereTheRealOneRefusesThereAreEventsAndItsReason() throws IOException, InterruptedException {
        TestEmulator.assumeBuilt();
        Said said = run(Refusing.class);
        assumeTrue(said.exit != MISSING, "NVIDIA's CUPTI is not installed");
        assertThat(said.exit).as(said.text).isZero();
        assertThat(said.text)
                .containsPattern("by events between operations \\(CUPTI not usable: cuptiSubscribe: CUPTI_ERROR_\\w+ \\(\\d+\\)");
    }

    @Test
    void withoutTheLibraryThereAreEventsAndTheRemedy() throws IOException, InterruptedException {
        TestEmulator.assumeBuilt();
        Said said = run(None.class);
        assertThat(said.exit).as(said.text).isZero();
        assertThat(said.text)
                .contains("by events between operations (CUPTI not usable: the library could not be opened, culvert doctor says why")
                .contains("pip install nvidia-cuda-cupti");
    }

    /** Asks the library that is installed. */
    static final class Real {
        public static void main(String[] arguments) {
            try {
                NativeLibrary.CUPTI.open();
            } catch (NativeLibraryException e) {
                System.out.println(e.getMessage());
                System.exit(MISSING);
            }
            System.out.println("version " + Cupti.version());
            try (Cupti cupti = Cupti.subscribe()) {
                cupti.start();
                cupti.push(1);
                long before = cupti.now();
                cupti.pop();
                System.out.println(cupti.now() >= before ? "a clock that runs" : "a clock that runs backwards");
            } catch (CulvertException e) {
                System.out.println(e.getMessage());
            }
        }
    }

    /** NVIDIA's library beside a driver that is not NVIDIA's. */
    static final class Refusing {
        public static void main(String[] arguments) {
            Emulator.install();
            System.clearProperty("culvert.cupti.path");
            if (!NativeLibrary.CUPTI.tryOpen()) {
                System.exit(MISSING);
            }
            try (CudaContext cuda = CudaContext.open(0, false)) {
                System.out.println(cuda.timer().source());
            }
        }
    }

    /** A GPU without CUPTI. */
    static final class None {
        public static void main(String[] arguments) {
            Emulator.install();
            System.setProperty("culvert.cupti.path", "/nowhere");
            try (CudaContext cuda = CudaContext.open(0, false)) {
                System.out.println(cuda.timer().source());
            }
        }
    }
}
