package io.culvert.cli;

import io.culvert.report.AnomalyReport.Fact;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What a result was computed on. */
final class MachineFacts {
    private static final Path CPU_INFO = Path.of("/proc/cpuinfo");

    private MachineFacts() {}

    static List<Fact> of(String device) {
        return List.of(
                new Fact("device", device),
                new Fact("processor", processor()),
                new Fact("Java", Version.platform()),
                new Fact("Culvert", Version.culvert()));
    }

    private static String processor() {
        int cores = Runtime.getRuntime().availableProcessors();
        try (Stream<String> lines = Files.lines(CPU_INFO)) {
            return lines.filter(line -> line.startsWith("model name"))
                            .map(line -> line.substring(line.indexOf(':') + 1).strip())
                            .findFirst()
                            .orElse("unknown")
                    + ", " + cores + " cores";
        } catch (IOException e) {
            return "unknown, " + cores + " cores";
        }
    }
}
