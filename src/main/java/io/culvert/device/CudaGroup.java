package io.culvert.device;

import io.culvert.CulvertException;
import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.Nccl;
import io.culvert.ranks.Launch;
import io.culvert.ranks.Rendezvous;
import java.util.concurrent.TimeUnit;

/** Processes with a GPU each, by NCCL. Nothing waits on the host; a graph may record all of it. */
public final class CudaGroup extends Group {
    /** What a process has to end by itself, with a better word of its own, when another has failed. */
    private static final long GRACE_SECONDS = 3;

    private final Nccl nccl;

    private CudaGroup(Rendezvous meeting, Nccl nccl) {
        super(meeting);
        this.nccl = nccl;
    }

    /**
     * Waits for the others.
     *
     * @param same what all must agree in, line by line
     */
    static CudaGroup meet(Launch launch, String same, CudaContext context) {
        if (launch.size() == 1) {
            return new CudaGroup(null, null);
        }
        Rendezvous meeting = Rendezvous.meet(launch, same, Nccl::uniqueId);
        try {
            // Who waits for a GPU that waits for one that is gone cannot be woken by an exception.
            meeting.onFailure(() -> end(meeting));
            return new CudaGroup(meeting, new Nccl(context, launch.rank(), launch.size(), meeting.ticket()));
        } catch (RuntimeException | Error e) {
            meeting.abandon(e.getMessage());
            meeting.close();
            throw e;
        }
    }

    private static void end(Rendezvous meeting) {
        try {
            TimeUnit.SECONDS.sleep(GRACE_SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        System.err.printf("culvert: error: %s: so %s ends as well%n", meeting.failure(), meeting.launch().describe());
        Runtime.getRuntime().halt(CulvertException.Kind.DEVICE.exitCode);
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
        try {
            if (nccl != null && hasLeft()) {
                nccl.close();
            } else if (nccl != null) {
                nccl.abort();
            }
        } finally {
            super.close();
        }
    }
}
