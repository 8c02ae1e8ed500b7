package io.culvert.ranks;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;
import java.util.function.Supplier;

/**
 * Who is where, for devices whose waiting for each other nothing wakes. Each process says every second which pass of which
 * step it is at, and whether it waits there for the others; when one has waited too long rank 0 sees who is behind and tells
 * all. It does so on a thread of its own, and therefore also of the process that hangs.
 */
public final class Attendance implements AutoCloseable {
    private static final long TICK_MILLIS = 1_000;
    /** Of a rank that waited too long, for rank 0's verdict. */
    private static final int VERDICT_SECONDS = 10;

    /** After which a process does not run any more that says where it is every second. */
    private static final int SILENCE_SECONDS = 5;

    private static final int PASS_BITS = 20;
    private static final long WAITS = 1;
    /** Where devices find each other, before the first step. */
    private static final long START = -1L << PASS_BITS + 1;

    private final Rendezvous meeting;
    private final IntSupplier patience;
    private final int rank;
    private final Thread thread;
    private volatile Supplier<String> fault = () -> null;
    private volatile long place = START | WAITS;
    /** By rank, on all but rank 0 its own alone: where it is, and since when it is known to be there. */
    private final long[] places;

    private final long[] since;
    private final long[] heard;

    /**
     * Begins to look, and takes it that this process waits for the others to start, until {@link #end}.
     *
     * @param patience seconds that they may take
     */
    public Attendance(Rendezvous meeting, IntSupplier patience) {
        this.meeting = meeting;
        this.patience = patience;
        rank = meeting.launch().rank();
        places = new long[meeting.launch().size()];
        Arrays.fill(places, START);
        since = new long[places.length];
        heard = new long[places.length];
        Arrays.fill(since, System.nanoTime());
        Arrays.fill(heard, System.nanoTime());
        meeting.onPlace(this::note);
        thread = Thread.ofPlatform().daemon().name("ranks-attendance").start(this::look);
    }

    /** @param newFault what the device knows to have gone wrong while it waits; null as long as it knows of nothing */
    public void faults(Supplier<String> newFault) {
        fault = newFault;
    }

    /** From here on this process waits for the others, in a pass of a step, both counted from 0. */
    public void begin(int step, int pass) {
        place = waitingAt(step, pass);
    }

    static long waitingAt(int step, int pass) {
        return ((long) step << PASS_BITS | pass) << 1 | WAITS;
    }

    /** All others came. */
    public void end() {
        long here = place;
        place = here & ~WAITS;
    }

    private synchronized void note(int of, long where) {
        heard[of] = System.nanoTime();
        if (places[of] != where) {
            places[of] = where;
            since[of] = heard[of];
        }
    }

    private void look() {
        try {
            while (meeting.failure() == null) {
                Thread.sleep(TICK_MILLIS);
                note(rank, place);
                String verdict = verdict();
                if (verdict != null) {
                    meeting.fail(verdict);
                } else if (rank > 0) {
                    meeting.say(place);
                }
            }
        } catch (InterruptedException e) {
            // The run is over.
        }
    }

    /** Why all must end; null as long as they need not. */
    private synchronized String verdict() {
        if ((places[rank] & WAITS) != 0) {
            String broken = fault.get();
            if (broken != null) {
                return "rank %d at %s: %s".formatted(rank, words(places[rank]), broken);
            }
        }
        int seconds = patience.getAsInt();
        if (rank > 0) {
            return waitsSince(rank, seconds + VERDICT_SECONDS)
                    ? "rank 0 is silent, and rank %d has waited for the others at %s for more than %d s%s"
                            .formatted(rank, words(places[rank]), seconds, remedy())
                    : null;
        }
        for (int other = 0; other < places.length; other++) {
            if (waitsSince(other, seconds)) {
                return absence(seconds);
            }
        }
        return null;
    }

    private boolean waitsSince(int other, int seconds) {
        return (places[other] & WAITS) != 0 && System.nanoTime() - since[other] > TimeUnit.SECONDS.toNanos(seconds);
    }

    private String absence(int seconds) {
        long farthest = Arrays.stream(places).map(where -> where | WAITS).max().getAsLong();
        List<String> behind = new ArrayList<>();
        List<String> silent = new ArrayList<>();
        for (int other = 0; other < places.length; other++) {
            if ((places[other] | WAITS) < farthest) {
                behind.add(Integer.toString(other));
            } else if (System.nanoTime() - heard[other] > TimeUnit.SECONDS.toNanos(SILENCE_SECONDS)) {
                silent.add(Integer.toString(other));
            }
        }
        String at = words(farthest);
        String what = !behind.isEmpty()
                ? "rank %s did not come to %s within %d s".formatted(String.join(", ", behind), at, seconds)
                : !silent.isEmpty()
                        ? "rank %s fell silent at %s, which is not done within %d s".formatted(String.join(", ", silent), at, seconds)
                        : "all ranks came to %s, which is not done within %d s: a GPU hangs, or what connects them"
                                .formatted(at, seconds);
        return what + remedy();
    }

    private static String remedy() {
        return " (look at its output, or allow more with -D" + Rendezvous.TIMEOUT + "=SECONDS)";
    }

    private static String words(long where) {
        if (where < 0) {
            return "the start";
        }
        long pass = where >> 1 & (1 << PASS_BITS) - 1;
        return "step " + (where >> PASS_BITS + 1) + (pass > 0 ? ", pass " + pass : "");
    }

    /** Looks no more. */
    @Override
    public void close() {
        thread.interrupt();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
