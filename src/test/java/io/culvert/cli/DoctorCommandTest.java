package io.culvert.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.culvert.device.LibraryStatus;
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
                "oneDNN", null, null, List.of("/opt: no libdnnl.so.3", "ldconfig: not there"), "install it");
        Diagnosis diagnosis = new Diagnosis(
                "1", "Java 25", "/jdk", "a CPU", 2, null, List.of(missing), List.of(), List.of(),
                List.of("oneDNN is missing: install it"), null);
        assertThat(diagnosis.cpuWorks()).isFalse();
        assertThat(DoctorCommand.toText(diagnosis))
                .contains("tried /opt: no libdnnl.so.3", "tried ldconfig: not there", "to mend it: install it")
                .endsWith("Training on the CPU does not work.");
    }
}
