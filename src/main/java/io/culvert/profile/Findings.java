package io.culvert.profile;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What takes time that need not be taken, in sentences that name it; the costliest first. */
final class Findings {
    private static final double WORTH_PERCENT = 5;
    private static final double FAR_FROM_ROOF = 0.5;
    private static final double OFF_CORE = 0.5;

    private record Finding(double percent, String text) {}

    private final Analysis analysis;
    private final List<Finding> findings = new ArrayList<>();

    private Findings(Analysis analysis) {
        this.analysis = analysis;
    }

    static List<String> of(Analysis analysis) {
        Findings all = new Findings(analysis);
        all.data();
        all.host();
        all.operations();
        all.findings.sort(Comparator.comparingDouble(Finding::percent).reversed());
        return all.findings.stream().map(Finding::text).toList();
    }

    private static String say(String format, Object... args) {
        return String.format(Locale.ROOT, format, args);
    }

    private void data() {
        double waited = analysis.percent(analysis.phase(Phase.WAIT));
        if (waited < WORTH_PERCENT) {
            return;
        }
        StringBuilder text = new StringBuilder(say("%.1f %% waiting for data.", waited));
        double all = analysis.loading().stream().mapToDouble(Analysis.Loading::seconds).sum();
        analysis.loading().stream()
                .filter(loading -> loading.task() != LoaderClock.Task.IDLE && loading.count() > 0)
                .max(Comparator.comparingDouble(Analysis.Loading::seconds))
                .ifPresent(loading -> text.append(loader(loading, all)));
        findings.add(new Finding(waited, text.toString()));
    }

    private String loader(Analysis.Loading loading, double all) {
        String text = say(
                " The loader's threads spend %.0f %% of their time in %s: %.2f ms an image, %.2f ms of it on a core%s.",
                100 * loading.seconds() / all, loading.task().label(), 1e3 * loading.seconds() / loading.count(),
                1e3 * loading.cpuSeconds() / loading.count(),
                loading.cpuSeconds() < OFF_CORE * loading.seconds()
                        ? " (the rest it slept, or waited for a disk, a lock or a core)"
                        : "");
        return text + lines(analysis.seen(loading.task()));
    }

    /** Where threads were seen: the lines that make up most of it. */
    private static String lines(List<Analysis.Seen> seen) {
        int all = seen.stream().mapToInt(Analysis.Seen::count).sum();
        if (all == 0) {
            return "";
        }
        List<String> lines = seen.stream()
                .limit(3)
                .filter(line -> 10 * line.count() >= all)
                .map(line -> say("%s (%.0f %%)", line.line(), 100.0 * line.count() / all))
                .toList();
        return lines.isEmpty() ? "" : " Seen at " + String.join(", ", lines) + ".";
    }

    private void host() {
        for (Map.Entry<Phase, Double> entry : analysis.phases().entrySet()) {
            double percent = analysis.percent(entry.getValue());
            if (entry.getKey() != Phase.WAIT && percent >= WORTH_PERCENT) {
                findings.add(new Finding(
                        percent, say("%.1f %% %s.", percent, entry.getKey().label()) + lines(analysis.seen(entry.getKey()))));
            }
        }
    }

    /** By class, since what one layer loses all of its kind lose. */
    private void operations() {
        for (Analysis.Row row : analysis.classes()) {
            double lost = analysis.percent(row.seconds() - row.floor());
            if (lost >= WORTH_PERCENT && row.ofRoof() < FAR_FROM_ROOF && row.bound() != Analysis.Bound.UNKNOWN) {
                List<String> worst = analysis.rows().stream()
                        .filter(one -> one.kind().equals(row.kind()))
                        .sorted(Comparator.comparingDouble((Analysis.Row one) -> one.floor() - one.seconds()))
                        .limit(3)
                        .map(Analysis.Row::layer)
                        .toList();
                findings.add(new Finding(lost, say(
                                "%.1f %% in %s beyond what its work needs: it reaches %.1f %% of what the machine gives; most in %s.",
                                lost, row.kind(), 100 * row.ofRoof(), String.join(", ", worst))
                        + lines(analysis.seenInClass(row.kind()))));
            }
        }
    }
}
