package io.culvert.train;

import java.io.Console;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.function.LongSupplier;

/**
 * The progress line: rewritten in place on a terminal, one line every few seconds elsewhere. {@link #step} costs a few
 * additions and allocates nothing unless a line is due.
 */
public final class Progress implements AutoCloseable {
    private static final long SECOND = 1_000_000_000L;
    private static final long TERMINAL_INTERVAL = SECOND / 5;
    private static final long PLAIN_INTERVAL = 5 * SECOND;

    /** Rates are means over the last one to two of these. */
    private static final long WINDOW = 5 * SECOND;

    private final PrintStream out;
    private final boolean terminal;
    private final LongSupplier clock;
    private final StringBuilder line = new StringBuilder(160);
    private final String label;
    private final long totalSteps;

    private final Totals now = new Totals();
    private final Totals windowStart = new Totals();
    private final Totals nextWindowStart = new Totals();
    private long lastPrint;
    private boolean hasLoss;
    private double loss = Double.NaN;
    private String note = "";

    private static final class Totals {
        long nanos;
        long steps;
        long images;
        long waitNanos;

        void set(Totals other) {
            nanos = other.nanos;
            steps = other.steps;
            images = other.images;
            waitNanos = other.waitNanos;
        }
    }

    /** @param clock nanoseconds, from any origin */
    Progress(PrintStream out, boolean terminal, LongSupplier clock, String label, long doneSteps, long totalSteps) {
        this.out = out;
        this.terminal = terminal;
        this.clock = clock;
        this.label = label;
        this.totalSteps = totalSteps;
        now.steps = doneSteps;
        now.nanos = clock.getAsLong();
        windowStart.set(now);
        nextWindowStart.set(now);
        lastPrint = now.nanos;
    }

    /**
     * Begins to show a loop on the standard error stream.
     *
     * @param label what is done, as {@code pretrain}
     * @param doneSteps steps that a resumed run already did
     */
    public static Progress start(String label, long doneSteps, long totalSteps) {
        Console console = System.console();
        return new Progress(
                System.err, console != null && console.isTerminal(), System::nanoTime, label, doneSteps, totalSteps);
    }

    /** One that counts and shows nothing. */
    static Progress silent(String label, long doneSteps, long totalSteps) {
        return new Progress(
                new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8), false, System::nanoTime, label,
                doneSteps, totalSteps);
    }

    /**
     * Counts one step and shows it if a line is due.
     *
     * @param images images in this step
     * @param waitNanos how long the step waited for its data
     */
    public void step(int images, double newLoss, long waitNanos) {
        hasLoss = true;
        loss = newLoss;
        count(images, waitNanos);
    }

    private void count(int images, long waitNanos) {
        now.nanos = clock.getAsLong();
        now.steps++;
        now.images += images;
        now.waitNanos += waitNanos;
        if (now.nanos - lastPrint >= (terminal ? TERMINAL_INTERVAL : PLAIN_INTERVAL) || now.steps == totalSteps) {
            print();
        }
        if (now.nanos - nextWindowStart.nanos >= WINDOW) {
            windowStart.set(nextWindowStart);
            nextWindowStart.set(now);
        }
    }

    /** As {@link #step(int, double, long)} for loops without a loss. */
    public void step(int images, long waitNanos) {
        hasLoss = false;
        count(images, waitNanos);
    }

    /** Images a second over the last seconds; 0 before the first step. */
    public double imagesPerSecond() {
        long nanos = now.nanos - windowStart.nanos;
        return nanos == 0 ? 0 : (now.images - windowStart.images) * (double) SECOND / nanos;
    }

    /** Share of the last seconds spent waiting for data, in percent. */
    public double dataWaitPercent() {
        long nanos = now.nanos - windowStart.nanos;
        return nanos == 0 ? 0 : 100.0 * (now.waitNanos - windowStart.waitNanos) / nanos;
    }

    /** Shows a few words behind the loss from now on. */
    public void note(String words) {
        note = words;
    }

    /** Prints a line of its own. */
    public void say(String words) {
        if (terminal) {
            out.append('\r').append(words).append("\u001b[K");
        } else {
            out.append(words);
        }
        out.append(System.lineSeparator()).flush();
    }

    private void print() {
        lastPrint = now.nanos;
        line.setLength(0);
        line.append(label)
                .append("  step ")
                .append(now.steps)
                .append('/')
                .append(totalSteps);
        if (hasLoss) {
            line.append("  loss ");
            appendFixed(loss, 4);
        }
        line.append(note);
        line.append("  ");
        appendFixed(imagesPerSecond(), 1);
        line.append(" images/s  data_wait ");
        appendFixed(dataWaitPercent(), 1);
        line.append("%  left ");
        appendTimeLeft();
        if (terminal) {
            out.append('\r').append(line).append("\u001b[K");
        } else {
            out.append(line).append(System.lineSeparator());
        }
        out.flush();
    }

    private void appendTimeLeft() {
        long steps = now.steps - windowStart.steps;
        if (steps == 0) {
            line.append('?');
            return;
        }
        long seconds =
                (long) Math.ceil((double) (now.nanos - windowStart.nanos) / steps * (totalSteps - now.steps) / SECOND);
        if (seconds >= 3600) {
            line.append(seconds / 3600).append(':');
            appendTwoDigits(seconds / 60 % 60);
        } else {
            line.append(seconds / 60);
        }
        line.append(':');
        appendTwoDigits(seconds % 60);
    }

    private void appendTwoDigits(long value) {
        line.append((char) ('0' + value / 10)).append((char) ('0' + value % 10));
    }

    private void appendFixed(double value, int digits) {
        if (!(Math.abs(value) < 1e12)) {
            line.append(value);
            return;
        }
        long scale = 1;
        for (int i = 0; i < digits; i++) {
            scale *= 10;
        }
        long scaled = Math.round(Math.abs(value) * scale);
        if (value < 0 && scaled > 0) {
            line.append('-');
        }
        line.append(scaled / scale).append('.');
        for (long place = scale / 10; place > 0; place /= 10) {
            line.append((char) ('0' + scaled / place % 10));
        }
    }

    /** Ends the line, so that what follows starts on its own. */
    @Override
    public void close() {
        if (terminal) {
            out.println();
        }
    }
}
