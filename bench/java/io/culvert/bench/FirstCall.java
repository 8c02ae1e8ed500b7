package io.culvert.bench;

import java.util.Collection;
import java.util.List;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.profile.InternalProfiler;
import org.openjdk.jmh.results.AggregationPolicy;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.ScalarResult;

/** Adds what a benchmark's set-up noted in the forked JVM: how long the first call took, and what it computed. */
public final class FirstCall implements InternalProfiler {
    /** Name of the secondary result with the first call's time, in nanoseconds. */
    static final String TIME = "first.time";

    /** Name of the secondary result with a number that all sides must compute alike. */
    static final String RESULT = "first.result";

    private static double nanoseconds = Double.NaN;
    private static double result = Double.NaN;

    /** Makes the process's first call. */
    public static void time(Runnable call) {
        long start = System.nanoTime();
        call.run();
        nanoseconds = System.nanoTime() - start;
    }

    /** Notes a number of the first call's result that all sides must compute alike. */
    public static void result(double number) {
        result = number;
    }

    @Override
    public String getDescription() {
        return "First call in the forked JVM";
    }

    @Override
    public void beforeIteration(BenchmarkParams benchmark, IterationParams iteration) {
        // It was before all of them.
    }

    @Override
    public Collection<? extends Result<?>> afterIteration(
            BenchmarkParams benchmark, IterationParams iteration, IterationResult ignored) {
        return Double.isNaN(nanoseconds)
                ? List.of()
                : List.of(
                        new ScalarResult(TIME, nanoseconds, "ns", AggregationPolicy.MAX),
                        new ScalarResult(RESULT, result, "", AggregationPolicy.MAX));
    }
}
