package io.culvert.ops.attention;

import io.culvert.device.cpu.SharedMemory;
import io.culvert.device.cpu.SharedParts;
import java.lang.foreign.MemorySegment;

/** One worker's memory for scores, which become weights, for as many slopes, and for the products' own use. */
final class ScoreMemory {
    private final SharedParts parts;

    ScoreMemory(SharedMemory shared, long scoreBytes, long scratchBytes) {
        parts = new SharedParts(shared, scoreBytes, scoreBytes, scratchBytes);
    }

    MemorySegment weights() {
        return parts.get(0);
    }

    MemorySegment slopes() {
        return parts.get(1);
    }

    /** An address. */
    long scratch() {
        return parts.get(2).address();
    }
}
