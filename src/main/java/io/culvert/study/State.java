package io.culvert.study;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;

/** How far a run is, read off its folder. */
public enum State {
    /** Nobody has begun it. */
    PENDING,
    /** Somebody has begun it and nobody is at it: the next worker goes on from its checkpoint. */
    INTERRUPTED,
    /** A worker is at it. */
    RUNNING,
    DONE,
    /** It ended without a result, and waits for {@code culvert study retry}. */
    FAILED;

    /** As people say it. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** @param dead after how long without a sign of life a worker counts as dead */
    static State of(PlannedRun run, Duration dead) {
        Path folder = run.folder();
        if (isDone(run)) {
            return DONE;
        }
        if (Claim.owner(folder, dead).isPresent()) {
            return RUNNING;
        }
        if (Failure.read(folder).isPresent()) {
            return FAILED;
        }
        return Files.isDirectory(folder) ? INTERRUPTED : PENDING;
    }

    /** Whether the run is trained and judged as the plan asks. */
    static boolean isDone(PlannedRun run) {
        Optional<Sidecar> sidecar = Sidecar.read(run.folder());
        return sidecar.isPresent()
                && sidecar.get().format() == Sidecar.FORMAT
                && sidecar.get().evaluation().equals(run.evaluation());
    }
}
