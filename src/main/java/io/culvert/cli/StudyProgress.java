package io.culvert.cli;

import io.culvert.CulvertException;
import io.culvert.study.Failure;
import io.culvert.study.Plan;
import io.culvert.study.PlannedRun;
import io.culvert.study.Sidecar;
import io.culvert.study.Workers;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;

/** Tells of runs as they begin and end. */
final class StudyProgress implements Workers.Listener {
    private final Plan plan;
    private final PrintWriter err;
    private final long start = System.nanoTime();
    private int ended;

    StudyProgress(Plan plan, int slots, PrintWriter err) {
        this.plan = plan;
        this.err = err;
        err.printf(
                "study: %d runs in %s, %d done before; %d at a time%n", plan.runs().size(), plan.folder(), done(), slots);
        err.flush();
    }

    private int done() {
        return (int) plan.runs().stream().filter(run -> Sidecar.read(run.folder()).isPresent()).count();
    }

    @Override
    public void started(PlannedRun run, boolean resumed) {
        err.printf("study: %s %s  %s%n", run.id(), resumed ? "goes on" : "begins", run.title());
        err.flush();
    }

    @Override
    public void ended(PlannedRun run, Workers.End end, Duration after) {
        String what = switch (end) {
            case DONE -> "done in %s%s".formatted(time(after), auroc(run));
            case FAILED -> "failed: " + Failure.read(run.folder()).map(Failure::message).orElse("");
            case KILLED -> "was killed; it will go on from its last checkpoint";
            case LOST -> "was taken over by another worker";
        };
        if (end == Workers.End.DONE) {
            ended++;
        }
        err.printf("study: %s %s%s%n", run.id(), what, left());
        err.flush();
    }

    /** Of the first reader, on the test set with the most defects. */
    private static String auroc(PlannedRun run) {
        return Sidecar.read(run.folder())
                .map(sidecar -> sidecar.cells().stream()
                        .filter(cell -> cell.reader().equals(sidecar.cells().getFirst().reader()))
                        .max(Comparator.comparing(Sidecar.Cell::testShare))
                        .orElseThrow())
                .map(cell -> ", AUROC %.3f (%s)".formatted(cell.metrics().get("auroc"), cell.reader()))
                .orElse("");
    }

    /** From the runs that this worker has done: they differ, so it is a guess. */
    private String left() {
        int remaining = plan.runs().size() - done();
        if (ended == 0 || remaining == 0) {
            return "";
        }
        Duration each = Duration.ofNanos((System.nanoTime() - start) / ended);
        return "  [%d of %d, about %s left]".formatted(
                plan.runs().size() - remaining, plan.runs().size(), time(each.multipliedBy(remaining)));
    }

    /**
     * The last word.
     *
     * @throws CulvertException (data) if runs have failed
     */
    void finish() {
        List<PlannedRun> failed = plan.runs().stream()
                .filter(run -> Failure.read(run.folder()).isPresent())
                .toList();
        err.printf("study: %d of %d runs done%n", done(), plan.runs().size());
        err.flush();
        if (!failed.isEmpty()) {
            throw CulvertException.data(
                    "%d runs failed, the first of them %s (%s); culvert study status lists them, culvert study retry sets"
                            + " them free",
                    failed.size(), failed.getFirst().folder().resolve("log.txt"), failed.getFirst().title());
        }
    }

    static String time(Duration duration) {
        long seconds = Math.round(duration.toMillis() / 1e3);
        return seconds < 3600
                ? "%d:%02d".formatted(seconds / 60, seconds % 60)
                : "%d:%02d:%02d".formatted(seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
}
