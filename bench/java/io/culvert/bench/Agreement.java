package io.culvert.bench;

import io.culvert.CulvertException;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;

/** Whether the sides did the same work: a time beside a time means nothing if they did not. */
final class Agreement {
    /** Relative; all sides compute in single precision. */
    private static final double TOLERANCE = 1e-3;

    private Agreement() {}

    /**
     * Compares what the first calls computed, case by case.
     *
     * @throws CulvertException of kind DEVICE if two sides differ
     */
    static void check(Collection<Measurement> measurements) {
        Map<String, Measurement> firsts = new HashMap<>();
        for (Measurement m : measurements) {
            double result = m.first().result();
            if (Double.isNaN(result)) {
                continue;
            }
            Measurement first = firsts.putIfAbsent(m.bench() + ' ' + m.shape(), m);
            if (first != null && !(Math.abs(result / first.first().result() - 1) <= TOLERANCE)) {
                throw CulvertException.device(
                        "%s %s: %s computes %.6g, %s %.6g: they do not do the same, so their times are not compared",
                        m.bench(), m.shape(), first.side(), first.first().result(), m.side(), result);
            }
        }
    }
}
