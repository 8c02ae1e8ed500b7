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
 */
public record Measurement(
        String bench, String shape, String side, List<Double> seconds, double peakMebibytes, double heapBytes) {

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
                Math.min(heapBytes, other.heapBytes));
    }

    /** Median of the samples, in seconds. */
    public double median() {
        List<Double> sorted = new ArrayList<>(seconds);
        Collections.sort(sorted);
        int middle = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }

    /** Fastest sample, in seconds. */
    public double fastest() {
        return Collections.min(seconds);
    }

    /** Slowest sample, in seconds. */
    public double slowest() {
        return Collections.max(seconds);
    }
}
