package io.culvert.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.culvert.CulvertException;
import io.culvert.device.LibraryStatus;
import io.culvert.emulator.TestEmulator;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class DoctorCommandTest {
    @Test
    void cpuPathWorksHereAndTheJsonSaysWhy() throws IOException {
        StringWriter out = new StringWriter();
        CommandLine commandLine = Main.commandLine().setOut(new PrintWriter(out));
        assertThat(commandLine.execute("doctor", "--json")).isZero();
        JsonNode found = new ObjectMapper().readTree(out.toString());
        assertThat(found.get("problems")).isEmpty();
        assertThat(found.get("cores").asInt()).isEqualTo(Runtime.getRuntime().availableProcessors());
        assertThat(found.get("cpuLibraries")).hasSize(3).allSatisfy(library -> assertThat(library.get("file").asText())
                .contains(".so"));
        assertThat(found.get("cpuLibraries").get(1).get("version").asText()).startsWith("3.");
    }

    @Test
    void missingLibraryIsShownWithWhatWasTriedAndTheRemedy() {
        LibraryStatus missing = new LibraryStatus(
                "oneDNN", null, null, List.of("/opt: no libdnnl.so.3", "ldconfig: not there"), null, "install it");
        Diagnosis diagnosis = new Diagnosis(
                "1", "Java 25", "/jdk", "a CPU", 2, null, List.of(missing), List.of(), List.of(),
                List.of("oneDNN is missing: install it"), List.of());
        assertThat(diagnosis.cpuWorks()).isFalse();
        assertThat(DoctorCommand.toText(diagnosis))
                .contains("tried /opt: no libdnnl.so.3", "tried ldconfig: not there", "to mend it: install it")
                .endsWith("Training on the CPU does not work, no GPU can be used.");
    }

    @Test
    void aLibraryThatDoesNotOpenIsShownWithTheReason() {
        LibraryStatus broken = new LibraryStatus(
                "cuDNN", null, null, List.of(), "/opt/libcudnn.so.9: file too short", "install it again");
        Diagnosis diagnosis = new Diagnosis(
                "1", "Java 25", "/jdk", "a CPU", 2, null, List.of(), List.of(broken), List.of(), List.of(), List.of());
        assertThat(DoctorCommand.toText(diagnosis))
                .containsPattern("broken +cuDNN +to mend it: install it again")
                .contains("/opt/libcudnn.so.9: file too short");
    }

    @Test
    void theEmulatorIsShownAsAGpuThatCanBeUsed() {
        TestEmulator.assumeBuilt();
        StringWriter out = new StringWriter();
        CommandLine commandLine = Main.commandLine().setOut(new PrintWriter(out));
        assertThat(commandLine.execute("doctor", "--device", "emulator")).isZero();
        assertThat(out.toString())
                .containsPattern("found +CUDA driver for CUDA 13.0 ")
                .containsPattern("found +cuDNN 9[.0-9]+ for CUDA 13.0 ")
                .containsPattern("GPU +Culvert's emulator, compute capability 8.0, 2 multiprocessors, [0-9.]+ GiB")
                .contains("a GPU can be used (device=cuda).");
    }

    @Test
    void anUnknownDeviceIsRefused() {
        StringWriter err = new StringWriter();
        CommandLine commandLine = Main.commandLine().setErr(new PrintWriter(err));
        assertThat(commandLine.execute("doctor", "--device", "tpu")).isEqualTo(CulvertException.Kind.USAGE.exitCode);
        assertThat(err.toString()).contains("'tpu'", "cpu, cuda, emulator");
    }
}
