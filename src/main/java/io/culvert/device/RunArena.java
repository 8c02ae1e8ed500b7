package io.culvert.device;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Owns the memory that lives as long as a run: one slab each for parameters, gradients, optimiser state and so on, so
 * that an optimiser or an all-reduce is one call. Closing it gives everything back.
 */
public final class RunArena implements AutoCloseable {
    private static final long ALIGNMENT = 64;

    private final Device device;
    private final List<Buffer> buffers = new ArrayList<>();
    private final Arena host = Arena.ofShared();

    public RunArena(Device device) {
        this.device = device;
    }

    public Device device() {
        return device;
    }

    /** Zero-filled memory, aligned to at least 64 bytes; {@code purpose} names it in reports and errors. */
    public Buffer allocate(String purpose, long bytes) {
        Buffer buffer = device.allocate(purpose, bytes);
        buffers.add(buffer);
        return buffer;
    }

    /** What was allocated on the device so far. */
    public List<Buffer> buffers() {
        return List.copyOf(buffers);
    }

    /** Zero-filled memory of the host, whatever the device. */
    public MemorySegment hostMemory(long bytes) {
        return host.allocate(bytes, ALIGNMENT);
    }

    @Override
    public void close() {
        try {
            buffers.forEach(device::free);
        } finally {
            buffers.clear();
            host.close();
        }
    }
}
