package io.culvert.device.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.culvert.CulvertException;
import io.culvert.bindings.load.NativeLibrary;
import io.culvert.bindings.load.NativeLibraryException;
import io.culvert.bindings.nccl.ncclUniqueId;
import io.culvert.bindings.nccl.nccl_h;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A communicator of NCCL's: one GPU a process. All its work runs on one stream beside the one that computes, so that it comes
 * in the same order on every GPU, whatever else they do; two events put it in order with the kernels.
 */
public final class Nccl implements AutoCloseable {
    private final CudaStream compute;
    private final CudaStream stream;
    private final CudaEvent ready;
    private final CudaEvent done;
    private final MemorySegment communicator;

    /**
     * Waits for the others.
     *
     * @param id what {@link #uniqueId} gave to one of them
     */
    public Nccl(CudaContext context, int rank, int size, byte... id) {
        open();
        compute = context.stream();
        stream = context.newStream();
        ready = context.newEvent();
        done = context.newEvent();
        try (Arena call = Arena.ofConfined()) {
            MemorySegment unique = ncclUniqueId.allocate(call);
            unique.copyFrom(MemorySegment.ofArray(id));
            MemorySegment out = call.allocate(ADDRESS);
            check(nccl_h.ncclCommInitRank(out, size, unique, rank), "ncclCommInitRank(" + size + " ranks, rank " + rank + ")");
            communicator = out.get(ADDRESS, 0);
        }
    }

    private static void open() {
        try {
            NativeLibrary.NCCL.open();
        } catch (NativeLibraryException e) {
            throw CulvertException.device(e, "%s", e.getMessage());
        }
    }

    /** What all processes need to find each other: one makes it and gives it to the others. */
    public static byte[] uniqueId() {
        open();
        try (Arena call = Arena.ofConfined()) {
            MemorySegment unique = ncclUniqueId.allocate(call);
            check(nccl_h.ncclGetUniqueId(unique), "ncclGetUniqueId");
            return unique.toArray(JAVA_BYTE);
        }
    }

    /** For example {@code 2.30.7}. */
    static String version() {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment out = call.allocate(JAVA_INT);
            check(nccl_h.ncclGetVersion(out), "ncclGetVersion");
            int version = out.get(JAVA_INT, 0);
            return version / 10_000 + "." + version / 100 % 100 + "." + version % 100;
        }
    }

    /** Lets what follows wait for the kernels queued so far. */
    private void fork() {
        ready.record(compute);
        stream.await(ready);
    }

    /** Lets the kernels that follow wait for all that was begun. */
    public void join() {
        done.record(stream);
        compute.await(done);
    }

    /** Begins to put the mean over all ranks in the place of floats. */
    public void startAverage(long address, long count) {
        fork();
        MemorySegment at = MemorySegment.ofAddress(address);
        check(
                nccl_h.ncclAllReduce(
                        at, at, count, nccl_h.ncclFloat32(), nccl_h.ncclAvg(), communicator, stream.handle()),
                "ncclAllReduce of " + count + " floats");
    }

    /** Begins to put the bytes of all ranks one after another, each rank's {@code bytes}. */
    public void startGather(long to, long from, long bytes) {
        fork();
        check(
                nccl_h.ncclAllGather(
                        MemorySegment.ofAddress(from), MemorySegment.ofAddress(to), bytes, nccl_h.ncclInt8(), communicator,
                        stream.handle()),
                "ncclAllGather of " + bytes + " bytes");
    }

    /**
     * What went wrong beside the calls, such as a connection to another rank that broke: what is queued then waits for ever.
     * Null as long as nothing did. Any thread may ask.
     */
    public String fault() {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment out = call.allocate(JAVA_INT);
            int status = nccl_h.ncclCommGetAsyncError(communicator, out);
            if (status != nccl_h.ncclSuccess()) {
                return failure("ncclCommGetAsyncError", status);
            }
            int found = out.get(JAVA_INT, 0);
            return found == nccl_h.ncclSuccess() || found == nccl_h.ncclInProgress() ? null : failure("NCCL", found);
        }
    }

    private static void check(int status, String call) {
        if (status != nccl_h.ncclSuccess()) {
            throw CulvertException.device("%s", failure(call, status));
        }
    }

    private static String failure(String call, int status) {
        String last = text(nccl_h.ncclGetLastError(MemorySegment.NULL));
        return "%s: %s (%d)%s; NCCL_DEBUG=WARN says more"
                .formatted(call, text(nccl_h.ncclGetErrorString(status)), status, last.isEmpty() ? "" : ", " + last);
    }

    private static String text(MemorySegment words) {
        return words.address() == 0 ? "" : words.reinterpret(Integer.MAX_VALUE).getString(0).strip();
    }

    /** Gives it up when the work is done; all ranks must do so. */
    @Override
    public void close() {
        try {
            stream.synchronize();
            check(nccl_h.ncclCommDestroy(communicator), "ncclCommDestroy");
        } finally {
            release();
        }
    }

    /** Gives it up whatever the others do, and whatever is under way. */
    public void abort() {
        try {
            check(nccl_h.ncclCommAbort(communicator), "ncclCommAbort");
        } finally {
            release();
        }
    }

    private void release() {
        ready.close();
        done.close();
        stream.close();
    }
}
