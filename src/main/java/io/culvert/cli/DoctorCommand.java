package io.culvert.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.culvert.CulvertException;
import io.culvert.device.LibraryStatus;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code culvert doctor}: what this machine has, and how to mend what it lacks. */
@Command(
        name = "doctor",
        description = {
            "Shows the Java, native libraries and devices found, and says how to mend what is missing.",
            "",
            "Exits with 0 if training on the CPU works, with 4 if it does not."
        },
        footer = {"", "Examples:", "  culvert doctor", "  culvert doctor --json"})
final class DoctorCommand implements Callable<Integer> {
    @Option(names = "--json", description = "Print the findings as JSON.")
    private boolean json;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        Diagnosis diagnosis = Diagnosis.make();
        PrintWriter out = spec.commandLine().getOut();
        out.println(json ? toJson(diagnosis) : toText(diagnosis));
        out.flush();
        return diagnosis.cpuWorks() ? 0 : CulvertException.Kind.DEVICE.exitCode;
    }

    private static String toJson(Diagnosis diagnosis) {
        try {
            return new ObjectMapper()
                    .enable(SerializationFeature.INDENT_OUTPUT)
                    .writeValueAsString(diagnosis);
        } catch (JsonProcessingException e) {
            throw new AssertionError(e);
        }
    }

    static String toText(Diagnosis diagnosis) {
        StringBuilder text = new StringBuilder();
        text.append("Culvert    ").append(diagnosis.culvert()).append('\n');
        text.append(diagnosis.java().replaceFirst(" ", "       ")).append('\n');
        text.append("           ").append(diagnosis.javaHome()).append('\n');
        text.append("CPU        ").append(diagnosis.cpu()).append(", ").append(diagnosis.cores()).append(" cores");
        if (diagnosis.instructionSet() != null) {
            text.append(", oneDNN uses ").append(diagnosis.instructionSet());
        }
        text.append("\n\nLibraries for the CPU\n");
        append(text, diagnosis.cpuLibraries(), true);
        text.append("\nLibraries for NVIDIA GPUs (not needed on the CPU)\n");
        // Without a driver there is no GPU to use: where its libraries were looked for would only be noise.
        append(text, diagnosis.gpuLibraries(), diagnosis.gpuLibraries().stream().anyMatch(DoctorCommand::isDriver));
        text.append('\n').append(gpuLine(diagnosis)).append('\n');
        for (String problem : diagnosis.problems()) {
            text.append("PROBLEM    ").append(problem).append('\n');
        }
        return text.append(diagnosis.cpuWorks() ? "Training on the CPU works." : "Training on the CPU does not work.")
                .toString();
    }

    private static String gpuLine(Diagnosis diagnosis) {
        if (diagnosis.gpuProblem() != null) {
            return "GPU        the driver refuses: " + diagnosis.gpuProblem();
        }
        return diagnosis.gpus().isEmpty()
                ? "GPU        none found"
                : "GPU        " + String.join("\n           ", diagnosis.gpus());
    }

    private static boolean isDriver(LibraryStatus library) {
        return library.found() && library.name().equals("CUDA driver");
    }

    private static void append(StringBuilder text, List<LibraryStatus> libraries, boolean withAttempts) {
        for (LibraryStatus library : libraries) {
            String version = library.version() == null ? "" : " " + library.version();
            String rest = library.found() ? library.file() : "to mend it: " + library.remedy();
            String state = library.found() ? "found" : "missing";
            text.append(String.format("  %-7s  %-20s %s%n", state, library.name() + version, rest));
            if (withAttempts) {
                library.tried().forEach(attempt -> text.append("           tried ").append(attempt).append('\n'));
            }
        }
    }
}
