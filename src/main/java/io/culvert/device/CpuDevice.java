package io.culvert.device;

import io.culvert.device.cpu.HostMemory;
import io.culvert.device.cpu.OneDnn;
import io.culvert.device.cpu.Workers;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** The processor: oneDNN for convolutions and matrix products, vectorised Java for the rest, on the same threads. */
public final class CpuDevice implements Device {
    private final int threads;
    private final OneDnn oneDnn;
    private final Workers workers;
    private final List<MemorySegment> scratch = new ArrayList<>();

    private CpuDevice(int threads) {
        this.threads = threads;
        oneDnn = new OneDnn(threads);
        workers = new Workers(threads);
    }

    /**
     * Opens the device for the calling thread, which must also run every step.
     *
     * @param threads compute threads; 0 takes all processors
     */
    public static CpuDevice open(int threads) {
        return new CpuDevice(threads > 0 ? threads : Runtime.getRuntime().availableProcessors());
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
    public Runnable repeated(Runnable work) {
        return work;
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
        workers.close();
        oneDnn.close();
        scratch.forEach(HostMemory::unmap);
        scratch.clear();
    }
}
