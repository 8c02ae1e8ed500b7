package io.culvert.bench;

import io.culvert.CulvertException;
import io.culvert.bench.djl.DjlEngine;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.BenchmarkResult;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * A side measured by JMH, each case in a JVM of its own, with the flags of this one.
 *
 * @param benchmarks the class that holds the benchmark
 * @param methods the benchmark's name (as in {@link Measurement#bench()}) by method
 * @param side the side's name
 * @param shapes the cases; empty for a benchmark without cases
 */
record JmhSide(
        Class<?> benchmarks,
        Map<String, String> methods,
        String side,
        List<String> shapes,
        Settings settings)
        implements Side {
    private static final String HEAP = "gc.alloc.rate.norm";

    @Override
    public List<Measurement> run() {
        try {
            return new Runner(options()).run().stream().map(this::measurement).toList();
        } catch (RunnerException e) {
            throw CulvertException.device(
                    e, "benchmark %s of %s failed: %s", benchmarks.getSimpleName(), side, e.getMessage());
        }
    }

    /** Of a JVM that measures: those of this one, and what both sides in Java need. */
    static List<String> flags(int threads) {
        List<String> flags = new ArrayList<>(ManagementFactory.getRuntimeMXBean().getInputArguments());
        flags.add("-D" + BenchSettings.THREADS + "=" + threads);
        flags.addAll(DjlEngine.jvmFlags(threads));
        return flags;
    }

    private org.openjdk.jmh.runner.options.Options options() {
        List<String> flags = flags(settings.threads());
        if (Runtime.version().feature() >= 23) {
            flags.add("--sun-misc-unsafe-memory-access=allow"); // JMH's own use would be warned of in every fork
        }
        TimeValue time = TimeValue.milliseconds(Math.round(settings.secondsPerSample() * 1000));
        ChainedOptionsBuilder builder = new OptionsBuilder()
                .include(Pattern.quote(benchmarks.getName()) + "\\.(" + String.join("|", methods.keySet()) + ")$")
                .forks(1)
                .threads(1)
                .warmupIterations(settings.warmupIterationsOfJvm())
                .warmupTime(time)
                .measurementIterations(settings.samples())
                .measurementTime(time)
                .jvmArgs(flags.toArray(String[]::new))
                .addProfiler(GCProfiler.class)
                .addProfiler(PeakRssProfiler.class)
                .addProfiler(FirstCall.class)
                .shouldFailOnError(true)
                .verbosity(VerboseMode.SILENT);
        return shapes.isEmpty()
                ? builder.build()
                : builder.param("shape", shapes.toArray(String[]::new)).build();
    }

    private Measurement measurement(RunResult run) {
        BenchmarkParams params = run.getParams();
        String name = params.getBenchmark();
        List<Double> seconds = new ArrayList<>();
        for (BenchmarkResult fork : run.getBenchmarkResults()) {
            Collection<IterationResult> iterations = fork.getIterationResults();
            for (IterationResult iteration : iterations) {
                seconds.add(iteration.getPrimaryResult().getScore() / TimeUnit.SECONDS.toNanos(1));
            }
        }
        Map<String, Result<?>> extra = secondary(run);
        String shape = shapes.isEmpty() ? "" : params.getParam("shape");
        return new Measurement(
                methods.get(name.substring(name.lastIndexOf('.') + 1)),
                shape,
                side,
                seconds,
                score(extra, PeakRssProfiler.LABEL),
                score(extra, HEAP),
                new Measurement.First(
                        score(extra, FirstCall.TIME) / TimeUnit.SECONDS.toNanos(1), score(extra, FirstCall.RESULT)));
    }

    /** NaN where there is no such result. */
    private static double score(Map<String, Result<?>> results, String label) {
        return results.containsKey(label) ? results.get(label).getScore() : Double.NaN;
    }

    @SuppressWarnings("rawtypes") // JMH's own signature is raw
    private static Map<String, Result<?>> secondary(RunResult run) {
        Map<String, Result<?>> results = new HashMap<>();
        for (Map.Entry<String, Result> entry : run.getSecondaryResults().entrySet()) {
            results.put(entry.getKey(), entry.getValue());
        }
        return results;
    }
}
