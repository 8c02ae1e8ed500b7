package io.culvert.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.profile.InternalProfiler;
import org.openjdk.jmh.results.AggregationPolicy;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.ScalarResult;

/** Adds the peak resident set of the forked JVM, native memory included, in MiB: {@code VmHWM} of the Linux kernel. */
public final class PeakRssProfiler implements InternalProfiler {
    /** Name of the secondary result. */
    public static final String LABEL = "rss.peak";

    @Override
    public String getDescription() {
        return "Peak resident set of the forked JVM";
    }

    @Override
    public void beforeIteration(BenchmarkParams benchmark, IterationParams iteration) {
        // The kernel keeps the peak by itself.
    }

    @Override
    public Collection<? extends Result<?>> afterIteration(
            BenchmarkParams benchmark, IterationParams iteration, IterationResult result) {
        return List.of(new ScalarResult(LABEL, peakMebibytes(), "MiB", AggregationPolicy.MAX));
    }

    /** Of this process; NaN where there is no {@code /proc}. */
    public static double peakMebibytes() {
        try (var lines = Files.lines(Path.of("/proc/self/status"))) {
            return lines.filter(line -> line.startsWith("VmHWM:"))
                    .map(line -> line.replaceAll("\\D+", ""))
                    .mapToDouble(Double::parseDouble)
                    .map(kibibytes -> kibibytes / 1024)
                    .findFirst()
                    .orElse(Double.NaN);
        } catch (IOException e) {
            return Double.NaN; // no /proc: the table prints a dash
        }
    }
}
