package io.culvert.bench;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The result as text: each case, each side, what it takes warm and the first time (cold), and how many times as long as
 * Culvert a peer takes.
 */
final class Table {
    static final String CULVERT = "culvert";
    private static final String LINE = "%-13s %-24s %-29s %10s  %-21s %10s %7s %9s %10s%n";

    private Table() {}

    static String of(Collection<Measurement> measurements) {
        Map<String, List<Measurement>> cases = new LinkedHashMap<>();
        for (Measurement m : measurements) {
            cases.computeIfAbsent(m.bench() + ' ' + m.shape(), k -> new ArrayList<>())
                    .add(m);
        }
        StringBuilder text = new StringBuilder(LINE.formatted(
                "benchmark", "case", "side", "median", "quartiles", "cold", "ratio", "peak RSS", "heap/op"));
        for (List<Measurement> sides : cases.values()) {
            double ours = sides.stream()
                    .filter(m -> m.side().equals(CULVERT))
                    .mapToDouble(Measurement::median)
                    .findFirst()
                    .orElse(Double.NaN);
            for (Measurement m : sides) {
                boolean first = m == sides.get(0);
                text.append(LINE.formatted(
                        first ? m.bench() : "",
                        first ? m.shape() : "",
                        m.side(),
                        time(m.median()),
                        time(m.quantile(0.25)) + " .. " + time(m.quantile(0.75)),
                        Double.isNaN(m.first().seconds()) ? "-" : time(m.first().seconds()),
                        Double.isNaN(ours) ? "-" : String.format(Locale.ROOT, "%.2fx", m.median() / ours),
                        Double.isNaN(m.peakMebibytes()) ? "-" : Math.round(m.peakMebibytes()) + " MiB",
                        Double.isNaN(m.heapBytes()) ? "-" : Math.round(m.heapBytes()) + " B"));
            }
        }
        return text.toString();
    }

    /** A duration with the unit that suits it. */
    static String time(double seconds) {
        if (seconds >= 1) {
            return String.format(Locale.ROOT, "%.2f s", seconds);
        }
        if (seconds >= 1e-3) {
            return String.format(Locale.ROOT, "%.2f ms", seconds * 1e3);
        }
        return seconds >= 1e-6
                ? String.format(Locale.ROOT, "%.2f us", seconds * 1e6)
                : String.format(Locale.ROOT, "%.1f ns", seconds * 1e9);
    }
}
