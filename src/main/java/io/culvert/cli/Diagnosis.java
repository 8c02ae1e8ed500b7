package io.culvert.cli;

import io.culvert.CulvertException;
import io.culvert.device.GpuStatus;
import io.culvert.device.LibraryStatus;
import io.culvert.device.cpu.NativeProbe;
import io.culvert.device.cuda.CudaProbe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * What {@code culvert doctor} finds.
 *
 * @param culvert the program's version
 * @param java version, vendor, operating system
 * @param javaHome where that Java is
 * @param cpu the processor's own name
 * @param cores processors that this process may use
 * @param instructionSet what oneDNN uses of the processor; null without oneDNN
 * @param cpuLibraries libraries that the CPU path needs
 * @param gpuLibraries libraries that only NVIDIA GPUs need
 * @param gpus the GPUs that the driver shows
 * @param problems what keeps the CPU path from working, empty if it works
 * @param gpuProblems what keeps a GPU from being used although there is a driver
 */
record Diagnosis(
        String culvert,
        String java,
        String javaHome,
        String cpu,
        int cores,
        String instructionSet,
        List<LibraryStatus> cpuLibraries,
        List<LibraryStatus> gpuLibraries,
        List<GpuStatus> gpus,
        List<String> problems,
        List<String> gpuProblems) {

    static Diagnosis make() {
        List<LibraryStatus> cpuLibraries = NativeProbe.libraries();
        boolean complete = cpuLibraries.stream().allMatch(LibraryStatus::found);
        return new Diagnosis(
                Version.culvert(),
                Version.platform(),
                System.getProperty("java.home"),
                processor(),
                Runtime.getRuntime().availableProcessors(),
                complete ? NativeProbe.instructionSet() : null,
                cpuLibraries,
                CudaProbe.libraries(),
                shownGpus(),
                problems(cpuLibraries),
                CudaProbe.problems());
    }

    /** None where the driver refuses, which is one of the problems then. */
    private static List<GpuStatus> shownGpus() {
        try {
            return CudaProbe.gpus();
        } catch (CulvertException e) {
            return List.of();
        }
    }

    boolean cpuWorks() {
        return problems.isEmpty();
    }

    boolean gpuWorks() {
        return !gpus.isEmpty() && gpuProblems.isEmpty();
    }

    private static List<String> problems(List<LibraryStatus> libraries) {
        Stream<String> missing = libraries.stream()
                .filter(library -> !library.found())
                .map(library -> library.name() + " is missing: " + library.remedy());
        Stream<String> noVectors = ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()
                ? Stream.empty()
                : Stream.of("the module jdk.incubator.vector is not loaded: start Java with "
                        + "--add-modules jdk.incubator.vector, as the culvert script does");
        return Stream.concat(missing, noVectors).toList();
    }

    private static String processor() {
        try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
            return lines.filter(line -> line.startsWith("model name"))
                    .findFirst()
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .orElse(System.getProperty("os.arch"));
        } catch (IOException e) {
            // Only Linux has this file; elsewhere the architecture has to do.
            return System.getProperty("os.arch");
        }
    }
}
