package io.culvert.bench.step;

import com.sun.management.ThreadMXBean;
import io.culvert.bench.BenchSettings;
import io.culvert.bench.PeakRssProfiler;
import io.culvert.bench.culvert.CulvertStep;
import io.culvert.bench.djl.DjlSimClr;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * A process that trains and waits for its turn: it warms up, prints {@code ready}, and for each line that it reads makes a step and prints
 * what that took as a line of JSON; {@code bench/peers/step.py --turns} speaks the same. Arguments: {@code culvert|djl SHAPE WARMUP}.
 */
public final class StepProcess {
    private static final double NANOSECONDS = 1e9;

    private StepProcess() {}

    public static void main(String[] args) throws IOException {
        StepShape shape = StepShape.of(args[1]);
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (TrainingStep step = args[0].equals("djl")
                ? new DjlSimClr(BenchSettings.threads(), shape.batch(), shape.size())
                : new CulvertStep(BenchSettings.threads(), shape)) {
            double first = seconds(step);
            for (int i = 1; i < Integer.parseInt(args[2]); i++) {
                step.step();
            }
            out.println("ready");
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            while (in.readLine() != null) {
                long heap = threads.getTotalThreadAllocatedBytes();
                double seconds = seconds(step);
                heap = threads.getTotalThreadAllocatedBytes() - heap;
                out.printf(
                        Locale.ROOT, "{\"seconds\": %.6f, \"first_s\": %.6f, \"heap_bytes\": %d, \"peak_rss_mb\": %.1f}%n", seconds,
                        first, heap, PeakRssProfiler.peakMebibytes());
            }
        }
    }

    private static double seconds(TrainingStep step) {
        long start = System.nanoTime();
        step.step();
        return (System.nanoTime() - start) / NANOSECONDS;
    }
}
