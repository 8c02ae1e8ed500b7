package io.culvert.bench;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * What one side took for one case: every sample of every round.
 *
 * @param bench what was measured, such as {@code conv_train}
 * @param shape the case, such as {@code 128,64,16,16,64,3,1,1}; empty where there is only one
 * @param side who did it: {@code culvert}, {@code djl}, {@code pytorch eager}, ...
 * @param seconds time of each sample
 * @param peakMebibytes peak resident set of the process that did nothing else; NaN where it is not known
 * @param heapBytes Java heap bytes allocated in one operation, the benchmark harness included; NaN outside Java
 * @param first what the first call in a process took, in seconds, and computed
 */
public record Measurement(
        String bench,
        String shape,
        String side,
        List<Double> seconds,
        double peakMebibytes,
        double heapBytes,
        First first) {

    /**
     * The first call in a process.
     *
     * @param seconds the faster one of several rounds; NaN where it was not timed
     * @param result a number that every side must compute alike; NaN where there is none
     */
    public record First(double seconds, double result) {
        /** Not looked at. */
        public static final First UNKNOWN = new First(Double.NaN, Double.NaN);
    }

    /** Both rounds' samples as one measurement; of two peaks the higher one. */
    public Measurement and(Measurement other) {
        List<Double> all = new ArrayList<>(seconds);
        all.addAll(other.seconds);
        return new Measurement(
                bench,
                shape,
                side,
                all,
                Math.max(peakMebibytes, other.peakMebibytes),
                Math.min(heapBytes, other.heapBytes),
                new First(Math.min(first.seconds, other.first.seconds), first.result));
    }

    /** Median of the samples, in seconds. */
    public double median() {
        return quantile(0.5);
    }

    /** The sample below which a share of them lies, between two of them by their distance, in seconds. */
    public double quantile(double share) {
        List<Double> sorted = new ArrayList<>(seconds);
        Collections.sort(sorted);
        double place = share * (sorted.size() - 1);
        int below = (int) place;
        double low = sorted.get(below);
        return below == place ? low : low + (place - below) * (sorted.get(below + 1) - low);
    }
}
