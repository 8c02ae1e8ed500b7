package io.culvert.emulator;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.culvert.SharedSlots;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

/**
 * libnccl for processes of one machine with an emulator each, which exchange through a file. Collectives are queued on a
 * stream like any work and wait for the other processes when they run; all processes must make the same calls.
 */
@SuppressWarnings("unused") // functions bear their C names and are called from C
final class SimulatedNccl extends SimulatedLibrary {
    private static final int SYSTEM_ERROR = 2;
    private static final int INTERNAL_ERROR = 3;
    private static final int INVALID_ARGUMENT = 4;
    private static final int INVALID_USAGE = 5;
    private static final int VERSION = 23_007;
    private static final int ID_BYTES = 128;
    private static final int SUM = 0;
    private static final int AVERAGE = 4;
    private static final int INT8 = 0;
    private static final int FLOAT32 = 7;
    /** Until rank 0 has made what the ranks share; in a collective they wait for ever, as NCCL's do. */
    private static final int PATIENCE_SECONDS = 120;
    private static final long POLL_MILLIS = 10;
    /** Numbers that tell what is called: which function, how many elements, of what type, how they are put together. */
    private static final int CALL_LONGS = 4;

    private final Handles handles = new Handles(0x7e30_0000_0000L, INVALID_ARGUMENT);
    private final SimulatedDriver driver;
    private final Map<String, Integer> runs = new HashMap<>();
    private volatile boolean stuck;
    private volatile int asyncError;

    /** @param slots what the ranks share; null for one alone */
    private record Communicator(int rank, int size, SharedSlots slots) {}

    private record Collective(Communicator of, Runnable what) implements SimulatedStream.Work {
        @Override
        public void run() {
            what.run();
        }
    }

    SimulatedNccl(SimulatedDriver driver) {
        this.driver = driver;
    }

    /** How often each collective ran, by its name. */
    Map<String, Integer> runs() {
        return runs;
    }

    /** Lets no collective of this process end from now on; {@code error} is what ncclCommGetAsyncError tells of it, 0: nothing. */
    void stick(int error) {
        stuck = true;
        asyncError = error;
    }

    @Override
    int notSupported() {
        return INVALID_USAGE;
    }

    @Override
    int internalError() {
        return INTERNAL_ERROR;
    }

    public int ncclGetVersion(MemorySegment out) {
        out.set(JAVA_INT, 0, VERSION);
        return 0;
    }

    public MemorySegment ncclGetErrorString(int status) {
        return Arena.global().allocateFrom("simulated NCCL error");
    }

    public MemorySegment ncclGetLastError(MemorySegment communicator) {
        return Arena.global().allocateFrom(lastError());
    }

    /** The name of a file that is not there yet. */
    public int ncclGetUniqueId(MemorySegment id) {
        Path shared = SharedSlots.place().resolve("culvert-nccl-" + UUID.randomUUID());
        byte[] name = shared.toString().getBytes(StandardCharsets.UTF_8);
        if (name.length >= ID_BYTES) {
            throw new SimulatedError(SYSTEM_ERROR, "the folder of temporary files has a name longer than an id");
        }
        id.asSlice(0, ID_BYTES).fill((byte) 0);
        MemorySegment.copy(name, 0, id, JAVA_BYTE, 0, name.length);
        return 0;
    }

    public int ncclCommInitRank(MemorySegment out, int size, @Struct(bytes = ID_BYTES) MemorySegment id, int rank) {
        if (size < 1 || rank < 0 || rank >= size) {
            throw new SimulatedError(INVALID_ARGUMENT, "rank %d of %d", rank, size);
        }
        out.set(ADDRESS, 0, handles.put(new Communicator(rank, size, size == 1 ? null : join(id.getString(0), rank, size))));
        return 0;
    }

    /** Rank 0 puts the file in its place when it is complete; the others wait for it. */
    private static SharedSlots join(String name, int rank, int size) {
        Path shared = Path.of(name);
        try {
            if (rank == 0) {
                Files.move(SharedSlots.create(size), shared, StandardCopyOption.ATOMIC_MOVE);
            }
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
            while (!Files.exists(shared)) {
                if (System.nanoTime() > deadline) {
                    throw new SimulatedError(SYSTEM_ERROR, "rank 0 did not come within %d s", PATIENCE_SECONDS);
                }
                TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
            }
        } catch (IOException e) {
            throw new SimulatedError(SYSTEM_ERROR, "%s: %s", shared, e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new SimulatedError(SYSTEM_ERROR, "interrupted");
        }
        SharedSlots slots = new SharedSlots(shared, rank, size, Integer.MAX_VALUE, () -> null);
        slots.exchange();
        if (rank == 0) {
            slots.unlink();
        }
        return slots;
    }

    public int ncclCommGetAsyncError(MemorySegment communicator, MemorySegment out) {
        handles.get(communicator, Communicator.class);
        out.set(JAVA_INT, 0, asyncError);
        return 0;
    }

    public int ncclCommDestroy(MemorySegment communicator) {
        Communicator known = handles.get(communicator, Communicator.class);
        if (driver.isRecorded(work -> work instanceof Collective collective && collective.of.equals(known))) {
            throw new SimulatedError(
                    INVALID_USAGE, "a graph has collectives of this communicator: NCCL would wait for ever for its destruction");
        }
        Communicator gone = handles.remove(communicator, Communicator.class);
        if (gone.slots != null) {
            gone.slots.close();
        }
        return 0;
    }

    public int ncclCommAbort(MemorySegment communicator) {
        return ncclCommDestroy(communicator);
    }

    public int ncclAllReduce(
            MemorySegment from, MemorySegment to, long count, int type, int operation, MemorySegment communicator,
            MemorySegment stream) {
        Communicator ranks = handles.get(communicator, Communicator.class);
        if (count < 0 || type != FLOAT32 || operation != SUM && operation != AVERAGE) {
            throw new SimulatedError(
                    INVALID_ARGUMENT, "%d elements of type %d, operation %d: only sums (0) and means (4) of floats (7)", count,
                    type, operation);
        }
        long source = from.address();
        long target = to.address();
        float share = operation == AVERAGE ? 1f / ranks.size : 1;
        driver.queue(stream, "ncclAllReduce", new Collective(ranks, () -> reduce(ranks, source, target, count, share)));
        return 0;
    }

    public int ncclAllGather(
            MemorySegment from, MemorySegment to, long count, int type, MemorySegment communicator, MemorySegment stream) {
        Communicator ranks = handles.get(communicator, Communicator.class);
        if (count < 0 || type != INT8 && type != FLOAT32) {
            throw new SimulatedError(
                    INVALID_ARGUMENT, "%d elements of type %d: only bytes (0) and floats (7)", count, type);
        }
        long source = from.address();
        long target = to.address();
        long bytes = type == INT8 ? count : count * Float.BYTES;
        driver.queue(stream, "ncclAllGather", new Collective(ranks, () -> gather(ranks, source, target, bytes)));
        return 0;
    }

    private void reduce(Communicator ranks, long from, long to, long count, float share) {
        Operands operands = new Operands(driver.memory(), "ncclAllReduce");
        float[] values = operands.read("sendbuff", from, count);
        Operands.Output result = operands.write("recvbuff", to, count, Operands.Type.FLOAT);
        begin(ranks, "ncclAllReduce", count, FLOAT32, Float.floatToRawIntBits(share));
        int part = SharedSlots.BYTES / Float.BYTES;
        for (int done = 0; done < values.length; done += part) {
            int floats = Math.min(part, values.length - done);
            List<MemorySegment> all = exchange(ranks, MemorySegment.ofArray(values).asSlice((long) done * Float.BYTES, (long) floats * Float.BYTES));
            for (int i = 0; i < floats; i++) {
                float sum = 0;
                for (MemorySegment one : all) {
                    sum += one.get(JAVA_FLOAT, (long) i * Float.BYTES);
                }
                result.set(done + i, sum * share);
            }
        }
    }

    private void gather(Communicator ranks, long from, long to, long bytes) {
        Operands operands = new Operands(driver.memory(), "ncclAllGather");
        MemorySegment source = operands.readBytes("sendbuff", from, bytes);
        MemorySegment target = operands.writeBytes("recvbuff", to, bytes * ranks.size);
        begin(ranks, "ncclAllGather", bytes, INT8, 0);
        for (long done = 0; done < bytes; done += SharedSlots.BYTES) {
            long part = Math.min(SharedSlots.BYTES, bytes - done);
            List<MemorySegment> all = exchange(ranks, source.asSlice(done, part));
            for (int rank = 0; rank < ranks.size; rank++) {
                MemorySegment.copy(all.get(rank), 0, target, rank * bytes + done, part);
            }
        }
    }

    /** NCCL hangs or mixes things up where ranks call differently; here it is an error. */
    private void begin(Communicator ranks, String function, long count, long type, long operation) {
        runs.merge(function, 1, Integer::sum);
        while (stuck) {
            LockSupport.park(this);
        }
        MemorySegment call = MemorySegment.ofArray(new long[] {function.hashCode(), count, type, operation});
        List<MemorySegment> all = exchange(ranks, call);
        for (int rank = 0; rank < ranks.size; rank++) {
            if (call.mismatch(all.get(rank).asSlice(0, CALL_LONGS * Long.BYTES)) >= 0) {
                throw new SimulatedError(
                        SimulatedDriver.ILLEGAL_ADDRESS, "rank %d calls %s of %d elements, rank %d something else (%d elements)",
                        ranks.rank, function, count, rank, all.get(rank).get(JAVA_LONG, Long.BYTES));
            }
        }
    }

    /** What all ranks have, by rank. */
    private static List<MemorySegment> exchange(Communicator ranks, MemorySegment own) {
        if (ranks.slots == null) {
            return List.of(own);
        }
        MemorySegment.copy(own, 0, ranks.slots.mine(), 0, own.byteSize());
        ranks.slots.exchange();
        return IntStream.range(0, ranks.size).mapToObj(ranks.slots::of).toList();
    }
}
