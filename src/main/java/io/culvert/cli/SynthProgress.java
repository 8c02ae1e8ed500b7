package io.culvert.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;

/** Says how far the drawing of pictures has come: on a terminal in place, elsewhere a line every few seconds. */
final class SynthProgress {
    private static final long ON_TERMINAL = 250_000_000L;
    private static final long ELSEWHERE = 5_000_000_000L;

    private final PrintWriter err;
    private final int total;
    private final boolean terminal =
            System.console() != null && System.console().isTerminal();
    private final long start = System.nanoTime();
    private long last = start;

    SynthProgress(PrintWriter err, int total) {
        this.err = err;
        this.total = total;
    }

    /** {@code done} pictures are written; called by any thread. */
    synchronized void update(int done) {
        long now = System.nanoTime();
        if (now - last < (terminal ? ON_TERMINAL : ELSEWHERE)) {
            return;
        }
        last = now;
        double rate = done / seconds(now);
        String line = String.format(
                Locale.ROOT,
                "synth: %d of %d pictures, %.0f images/s, %.0f s left",
                done,
                total,
                rate,
                (total - done) / rate);
        err.print(terminal ? "\r" + line + "   " : line + System.lineSeparator());
        err.flush();
    }

    void finish(Path out) {
        double seconds = seconds(System.nanoTime());
        String line = String.format(
                Locale.ROOT, "synth: wrote %d pictures to %s, %.0f images/s", total, out, total / seconds);
        err.println(terminal ? "\r" + line + "      " : line);
        err.flush();
    }

    private double seconds(long now) {
        return Math.max(1e-3, (now - start) * 1e-9);
    }
}
