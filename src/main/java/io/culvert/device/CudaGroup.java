package io.culvert.device;

import io.culvert.CulvertException;
import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.Nccl;
import io.culvert.ranks.Attendance;
import io.culvert.ranks.Launch;
import io.culvert.ranks.Rendezvous;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/** Processes with a GPU each, by NCCL. Nothing waits on the host; a graph may record all of it. */
public final class CudaGroup extends Group {
    /** What a process has to end by itself, with a better word of its own, when another has failed. */
    private static final long GRACE_SECONDS = 3;

    /** What a process that failed itself has to give its GPU back, which may wait for one that is gone. */
    private static final long RELEASE_SECONDS = 8;

    private static final int INTERNAL_ERROR = 1;

    private final Nccl nccl;
    private final Attendance attendance;
    private final AtomicBoolean closed;

    private CudaGroup(Rendezvous meeting, Nccl nccl, Attendance attendance, AtomicBoolean closed) {
        super(meeting);
        this.nccl = nccl;
        this.attendance = attendance;
        this.closed = closed;
    }

    /**
     * Waits for the others.
     *
     * @param same what all must agree in, line by line
     */
    static CudaGroup meet(Launch launch, String same, CudaContext context) {
        if (launch.size() == 1) {
            return new CudaGroup(null, null, null, new AtomicBoolean());
        }
        Rendezvous meeting = Rendezvous.meet(launch, same, Nccl::uniqueId);
        AtomicBoolean closed = new AtomicBoolean();
        Attendance attendance = new Attendance(meeting, Rendezvous::timeout);
        try {
            // Who waits for a GPU that waits for one that is gone cannot be woken by an exception.
            meeting.onFailure(() -> endUnless(
                    closed, GRACE_SECONDS, "%s: so %s ends as well".formatted(meeting.failure(), launch.describe()),
                    CulvertException.Kind.DEVICE.exitCode));
            Nccl nccl = new Nccl(context, launch.rank(), launch.size(), meeting.ticket());
            attendance.faults(nccl::fault);
            attendance.end();
            return new CudaGroup(meeting, nccl, attendance, closed);
        } catch (RuntimeException | Error e) {
            attendance.close();
            meeting.abandon(e.getMessage());
            meeting.close();
            throw e;
        }
    }

    /** Ends the process, whatever it waits for. NCCL has a way to wake it, which can wait for ever itself. */
    private static void endUnless(AtomicBoolean closed, long seconds, String why, int exitCode) {
        Thread.ofPlatform().daemon().name("ranks-end").start(() -> {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
            while (end - System.nanoTime() > 0) {
                LockSupport.parkNanos(closed, end - System.nanoTime());
            }
            if (!closed.get()) {
                System.err.printf("culvert: error: %s%n", why);
                Runtime.getRuntime().halt(exitCode);
            }
        });
    }

    @Override
    void abandoned(Throwable why) {
        int exitCode = why instanceof CulvertException mendable ? mendable.kind().exitCode : INTERNAL_ERROR;
        endUnless(closed, RELEASE_SECONDS, String.valueOf(why.getMessage()), exitCode);
    }

    @Override
    public void beginPass(int step, int pass) {
        if (attendance != null) {
            attendance.begin(step, pass);
        }
    }

    @Override
    public void endPass() {
        if (attendance != null) {
            attendance.end();
        }
    }

    @Override
    public void startAverage(Buffer buffer, long offset, long bytes) {
        nccl.startAverage(buffer.address() + offset, bytes / Float.BYTES);
    }

    @Override
    public void finish() {
        nccl.join();
    }

    /** Puts the mean over all ranks in the place of floats. */
    public void average(long address, long count) {
        nccl.startAverage(address, count);
        nccl.join();
    }

    /** Puts what all ranks have at {@code from} one after another at {@code to}, {@code bytes} of each. */
    public void gather(long to, long from, long bytes) {
        nccl.startGather(to, from, bytes);
        nccl.join();
    }

    @Override
    public void close() {
        if (nccl == null) {
            return;
        }
        attendance.close();
        try {
            if (hasLeft()) {
                nccl.close();
            } else {
                nccl.abort();
            }
        } finally {
            super.close();
            closed.set(true);
        }
    }
}
