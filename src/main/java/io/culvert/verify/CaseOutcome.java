package io.culvert.verify;

import java.nio.file.Path;

/**
 * What became of one case.
 *
 * @param kind the case's kind, empty if the file could not be read so far
 * @param tolerance the error that was allowed
 * @param worst the worst tensor, or null for an error
 * @param message for an error, one line that names the file; empty otherwise
 */
public record CaseOutcome(
        Path file, String kind, String name, Status status, double tolerance, Comparison worst, String message) {
    /** Pass and fail are results; an error is a file that cannot be judged. */
    public enum Status {
        PASS,
        FAIL,
        ERROR
    }

    static CaseOutcome judged(VectorCase vector, Comparison worst, double tolerance) {
        Status status = worst.error() <= tolerance ? Status.PASS : Status.FAIL;
        return new CaseOutcome(vector.path(), vector.kind(), vector.name(), status, tolerance, worst, "");
    }

    static CaseOutcome error(Path file, VectorCase vector, String message) {
        String line = message.startsWith(file.toString()) ? message : file + ": " + message;
        return new CaseOutcome(
                file,
                vector == null ? "" : vector.kind(),
                vector == null ? "" : vector.name(),
                Status.ERROR,
                0,
                null,
                line);
    }
}
