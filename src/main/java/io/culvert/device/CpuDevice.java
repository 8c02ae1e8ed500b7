package io.culvert.device;

import io.culvert.device.cpu.HostMemory;
import io.culvert.device.cpu.OneDnn;
import io.culvert.device.cpu.Workers;
import io.culvert.ranks.Launch;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** The processor: oneDNN for convolutions and matrix products, vectorised Java for the rest, on the same threads. */
public final class CpuDevice implements Device {
    private final int threads;
    private final CpuGroup group;
    private final OneDnn oneDnn;
    private final Workers workers;
    private final List<MemorySegment> scratch = new ArrayList<>();

    private CpuDevice(int threads, CpuGroup group) {
        this.threads = threads;
        this.group = group;
        oneDnn = new OneDnn(threads);
        workers = new Workers(threads);
    }

    /**
     * Opens the device for the calling thread, which must also run every step.
     *
     * @param threads compute threads; 0 takes all processors
     */
    public static CpuDevice open(int threads) {
        return open(threads, Launch.ALONE, "");
    }

    /**
     * As the other, as one of several processes on this machine; waits for the others.
     *
     * @param threads compute threads; 0 takes this process's share of the processors
     * @param same what all must agree in, line by line
     */
    public static CpuDevice open(int threads, Launch launch, String same) {
        int share = Math.max(1, Runtime.getRuntime().availableProcessors() / launch.localSize());
        int chosen = threads > 0 ? threads : share;
        // Norms are sums by thread: ranks with other numbers of threads would drift apart.
        return new CpuDevice(chosen, CpuGroup.meet(launch, same + "\nthreads: " + chosen));
    }

    public int threads() {
        return threads;
    }

    public OneDnn oneDnn() {
        return oneDnn;
    }

    public Workers workers() {
        return workers;
    }

    @Override
    public Buffer allocate(String purpose, long bytes) {
        return new HostBuffer(purpose, HostMemory.map(bytes));
    }

    @Override
    public void free(Buffer buffer) {
        HostMemory.unmap(buffer.memory());
    }

    @Override
    public long freeBytes() {
        return Long.MAX_VALUE;
    }

    @Override
    public boolean readsHostMemory() {
        return true;
    }

    @Override
    public Runnable repeated(String name, Runnable work) {
        return work;
    }

    @Override
    public void built() {
        oneDnn.forgetDescriptions();
    }

    @Override
    public CpuGroup group() {
        return group;
    }

    /** Always single. */
    @Override
    public Precision precision() {
        return Precision.FP32;
    }

    /** Working memory that kernels share: they run one at a time and leave nothing in it. */
    public MemorySegment scratch(long bytes) {
        if (scratch.isEmpty() || scratch.getLast().byteSize() < bytes) {
            scratch.add(HostMemory.map(bytes));
        }
        return scratch.getLast();
    }

    @Override
    public String describe() {
        return "cpu, " + threads + " threads, oneDNN " + OneDnn.version();
    }

    @Override
    public void close() {
        group.close();
        workers.close();
        oneDnn.close();
        scratch.forEach(HostMemory::unmap);
        scratch.clear();
    }
}
