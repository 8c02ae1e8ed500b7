package io.culvert;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/**
 * A file that processes of one machine map to show each other what they have: each writes its own slot, {@link #exchange}
 * waits until all have, and then everyone reads everyone's. A thread of each process makes all calls, all in the same order.
 *
 * <p>There are two slots a process, used in turns: who fills a slot for the exchange after the next has seen all others come
 * to the next, so none of them reads the old content any more. One barrier an exchange is enough.
 */
public final class SharedSlots implements AutoCloseable {
    /** Bytes of a slot. */
    public static final int BYTES = 1 << 20;

    /** A counter has two cache lines of its own: neighbours are fetched in pairs. */
    private static final int COUNTER_BYTES = 128;

    private static final VarHandle COUNTER = ValueLayout.JAVA_INT.varHandle();
    private static final int SPINS = 2_000;
    private static final int YIELDS = 200;
    private static final long NAP_NANOS = 50_000;
    private static final int TURNS = 2;

    private final Arena arena = Arena.ofShared();
    private final Path file;
    private final MemorySegment counters;
    private final MemorySegment[][] slots;
    private final int rank;
    private final long patienceNanos;
    private final Supplier<String> failure;
    private int turn;

    /**
     * Maps the file that {@link #create} made.
     *
     * @param rank of this process among {@code size}
     * @param patience seconds that the others may take to come to an exchange
     * @param failure says what happened to another process, as long as none failed null
     */
    public SharedSlots(Path file, int rank, int size, int patience, Supplier<String> failure) {
        this.file = file;
        this.rank = rank;
        this.failure = failure;
        patienceNanos = TimeUnit.SECONDS.toNanos(patience);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            if (channel.size() != fileBytes(size)) {
                throw CulvertException.device(
                        "%s: has %d bytes, %d ranks share %d: start all ranks anew", file, channel.size(), size, fileBytes(size));
            }
            MemorySegment memory = channel.map(FileChannel.MapMode.READ_WRITE, 0, fileBytes(size), arena);
            counters = memory.asSlice(0, (long) size * COUNTER_BYTES);
            slots = new MemorySegment[size][TURNS];
            for (int r = 0; r < size; r++) {
                for (int t = 0; t < TURNS; t++) {
                    slots[r][t] = memory.asSlice(counters.byteSize() + ((long) r * TURNS + t) * BYTES, BYTES);
                }
            }
        } catch (IOException e) {
            throw CulvertException.device(
                    e, "%s: cannot map what the ranks of one machine share: %s; ranks on the CPU must run on one machine",
                    file, e.getMessage());
        }
    }

    /**
     * Makes the file for so many processes, in memory where the system has a place for that.
     *
     * @throws CulvertException (device) if there is no room
     */
    public static Path create(int size) {
        Path place = place();
        try {
            Path file = Files.createTempFile(place, "culvert-ranks-", "");
            // Written, not only made longer: a place that is full says so here, not by a signal in the middle of a step.
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                for (long left = fileBytes(size); left > 0; left -= BYTES) {
                    ByteBuffer zeros = ByteBuffer.allocate((int) Math.min(left, BYTES));
                    while (zeros.hasRemaining()) {
                        channel.write(zeros);
                    }
                }
            } catch (IOException e) {
                Files.delete(file);
                throw e;
            }
            return file;
        } catch (IOException e) {
            throw CulvertException.device(
                    e, "%s: no room for the %d bytes that %d ranks share: %s", place, fileBytes(size), size, e.getMessage());
        }
    }

    /** The folder of such files. */
    public static Path place() {
        Path memory = Path.of("/dev/shm");
        return Files.isWritable(memory) ? memory : Path.of(System.getProperty("java.io.tmpdir"));
    }

    private static long fileBytes(int size) {
        return (long) size * (COUNTER_BYTES + (long) TURNS * BYTES);
    }

    public int rank() {
        return rank;
    }

    public int size() {
        return slots.length;
    }

    /** Where this process puts what the next exchange shows to the others. */
    public MemorySegment mine() {
        return slots[rank][(turn + 1) % TURNS];
    }

    /** What a process showed in the last exchange, until {@link #mine} has been written for the next but one. */
    public MemorySegment of(int other) {
        return slots[other][turn % TURNS];
    }

    /**
     * Shows this process's slot, and waits until all others have shown theirs. Creates nothing.
     *
     * @throws CulvertException (device) if another process has failed, or does not come
     */
    public void exchange() {
        turn = (turn + 1) & Integer.MAX_VALUE;
        COUNTER.setRelease(counters, (long) rank * COUNTER_BYTES, turn);
        for (int other = 0; other < slots.length; other++) {
            await(other);
        }
    }

    /** Whether a process has come to the exchange at hand; counts begin anew after 2^31. */
    private boolean isThere(int other) {
        int theirs = (int) COUNTER.getAcquire(counters, (long) other * COUNTER_BYTES);
        return ((theirs - turn) & Integer.MAX_VALUE) <= 1;
    }

    private void await(int other) {
        int tries = 0;
        long start = 0;
        while (!isThere(other)) {
            tries++;
            if (tries < SPINS) {
                Thread.onSpinWait();
            } else if (tries < SPINS + YIELDS) {
                Thread.yield();
            } else {
                LockSupport.parkNanos(this, NAP_NANOS);
                start = start == 0 ? System.nanoTime() : start;
                giveUp(other, System.nanoTime() - start);
            }
        }
    }

    private void giveUp(int other, long waited) {
        String why = failure.get();
        if (why != null) {
            throw CulvertException.device("%s: so rank %d of %d ends as well", why, rank, slots.length);
        }
        if (waited > patienceNanos) {
            throw CulvertException.device(
                    "rank %d did not come to exchange %d within %d s, so rank %d of %d ends: look at its output,"
                            + " or allow more with -Dculvert.ranks.timeout=SECONDS",
                    other, turn, TimeUnit.NANOSECONDS.toSeconds(patienceNanos), rank, slots.length);
        }
    }

    /** Removes the file's name, once all have mapped it; nothing is left behind then, however the processes end. */
    public void unlink() {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(file, e);
        }
    }

    @Override
    public void close() {
        arena.close();
    }
}
