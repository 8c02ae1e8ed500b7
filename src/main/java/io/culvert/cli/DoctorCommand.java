package io.culvert.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.culvert.CulvertException;
import io.culvert.device.GpuStatus;
import io.culvert.device.LibraryStatus;
import io.culvert.emulator.Emulator;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
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
            "Exits with 0 if training on the device works, with 4 if it does not."
        },
        footer = {
            "",
            "Examples:",
            "  culvert doctor",
            "  culvert doctor --device cuda        exits with 4 if no GPU can be used",
            "  culvert doctor --json"
        })
final class DoctorCommand implements Callable<Integer> {
    @Option(names = "--json", description = "Print the findings as JSON.")
    private boolean json;

    @Option(
            names = "--device",
            paramLabel = "NAME",
            defaultValue = "cpu",
            description = "The device that has to work: cpu, cuda, or emulator, whose simulated driver is shown then.")
    private String device;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        switch (device) {
            case "cpu", "cuda" -> {}
            case "emulator" -> Emulator.install();
            default -> throw CulvertException.usage("unknown device '%s'; known: cpu, cuda, emulator", device);
        }
        Diagnosis diagnosis = Diagnosis.make();
        PrintWriter out = spec.commandLine().getOut();
        out.println(json ? toJson(diagnosis) : toText(diagnosis));
        out.flush();
        boolean works = device.equals("cpu") ? diagnosis.cpuWorks() : diagnosis.gpuWorks();
        return works ? 0 : CulvertException.Kind.DEVICE.exitCode;
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
        text.append('\n').append(gpuLines(diagnosis));
        diagnosis.problems().forEach(problem -> text.append("PROBLEM    ").append(problem).append('\n'));
        diagnosis.gpuProblems().forEach(problem -> text.append("GPU NEEDS  ").append(problem).append('\n'));
        text.append(diagnosis.cpuWorks() ? "Training on the CPU works" : "Training on the CPU does not work");
        return text.append(diagnosis.gpuWorks() ? ", a GPU can be used (device=cuda)." : ", no GPU can be used.")
                .toString();
    }

    private static String gpuLines(Diagnosis diagnosis) {
        if (diagnosis.gpus().isEmpty()) {
            return "GPU        none found\n";
        }
        StringBuilder text = new StringBuilder();
        for (GpuStatus gpu : diagnosis.gpus()) {
            text.append(String.format(
                    Locale.ROOT,
                    "GPU        %s, compute capability %.1f, %d multiprocessors, %.1f GiB%n",
                    gpu.name(),
                    gpu.computeCapability() / 10.0,
                    gpu.multiprocessors(),
                    gpu.bytes() / (double) (1 << 30)));
        }
        return text.toString();
    }

    private static boolean isDriver(LibraryStatus library) {
        return library.found() && library.name().equals("CUDA driver");
    }

    private static void append(StringBuilder text, List<LibraryStatus> libraries, boolean withAttempts) {
        for (LibraryStatus library : libraries) {
            String version = library.version() == null ? "" : " " + library.version();
            String rest = library.found() ? library.file() : "to mend it: " + library.remedy();
            String state = library.found() ? "found" : library.broken() == null ? "missing" : "broken";
            text.append(String.format("  %-7s  %-34s %s%n", state, library.name() + version, rest));
            if (library.broken() != null && !withAttempts) {
                text.append("           ").append(library.broken()).append('\n');
            }
            if (withAttempts) {
                library.tried().forEach(attempt -> text.append("           tried ").append(attempt).append('\n'));
            }
        }
    }
}
