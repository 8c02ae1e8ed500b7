package io.culvert.study;

import com.fasterxml.jackson.databind.JsonNode;
import io.culvert.train.MetricsLog;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/**
 * How far a run is, for people.
 *
 * @param detail who is at it and at which step, or why it failed; empty where there is nothing to say
 */
public record RunStatus(PlannedRun run, State state, String detail) {
    /** Of all runs of a plan. */
    public static List<RunStatus> of(Plan plan, Duration dead) {
        return plan.runs().stream().map(run -> of(run, dead)).toList();
    }

    private static RunStatus of(PlannedRun run, Duration dead) {
        State state = State.of(run, dead);
        String detail = switch (state) {
            case PENDING, DONE -> "";
            case INTERRUPTED -> step(run);
            case RUNNING -> Claim.owner(run.folder(), dead)
                    .map(owner -> "%s, process %d, since %s, %s"
                            .formatted(owner.host(), owner.pid(), owner.since(), step(run)))
                    .orElse("just ended");
            case FAILED -> Failure.read(run.folder())
                    .map(failure -> "exit code %d: %s (%s)"
                            .formatted(failure.exitCode(), failure.message(), run.folder().resolve("log.txt")))
                    .orElse("");
        };
        return new RunStatus(run, state, detail);
    }

    private static String step(PlannedRun run) {
        Path metrics = run.folder().resolve("metrics.jsonl");
        List<JsonNode> lines = Files.exists(metrics) ? MetricsLog.read(metrics) : List.of();
        return lines.isEmpty()
                ? "before its first step"
                : String.format(Locale.ROOT, "step %d", lines.getLast().path("step").asInt());
    }
}
