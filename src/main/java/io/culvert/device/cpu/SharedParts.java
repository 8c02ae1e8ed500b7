package io.culvert.device.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** {@link SharedMemory} cut into parts that begin at cache lines, anew when it has moved; one for each worker. */
public final class SharedParts {
    private static final long LINE = 64;

    private final SharedMemory shared;
    private final long[] bytes;
    private final MemorySegment[] parts;
    private long address;

    /** Reserves as much, see {@link SharedMemory#reserve}. */
    public SharedParts(SharedMemory shared, long... bytes) {
        this.shared = shared;
        this.bytes = bytes.clone();
        parts = new MemorySegment[bytes.length];
        shared.reserve(Arrays.stream(bytes).map(SharedParts::lines).sum());
    }

    private static long lines(long bytes) {
        return (bytes + LINE - 1) / LINE * LINE;
    }

    /** A part, by its number. */
    public MemorySegment get(int part) {
        if (address != shared.memory().address()) {
            cut();
        }
        return parts[part];
    }

    private void cut() {
        MemorySegment whole = shared.memory();
        long at = 0;
        for (int i = 0; i < parts.length; i++) {
            parts[i] = whole.asSlice(at, bytes[i]);
            at += lines(bytes[i]);
        }
        address = whole.address();
    }
}
