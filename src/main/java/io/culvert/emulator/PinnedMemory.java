package io.culvert.emulator;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.culvert.emulator.ptx.DeviceMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.TreeMap;

/**
 * Host memory of cuMemHostAlloc. The copy engine reads it when the copy runs: a program that overwrites or frees it before
 * is told so.
 */
final class PinnedMemory {
    private record Block(Arena arena, MemorySegment memory) {}

    private final TreeMap<Long, Block> blocks = new TreeMap<>();

    MemorySegment allocate(long bytes) {
        if (bytes <= 0) {
            throw new SimulatedError(SimulatedDriver.INVALID_VALUE, "an allocation of %d bytes", bytes);
        }
        Arena arena = Arena.ofShared();
        MemorySegment memory = arena.allocate(bytes, DeviceMemory.ALIGNMENT);
        blocks.put(memory.address(), new Block(arena, memory));
        return memory;
    }

    void free(long address) {
        Block block = blocks.remove(address);
        if (block == null) {
            throw new SimulatedError(SimulatedDriver.INVALID_VALUE, "0x%x is no pinned memory", address);
        }
        block.arena.close();
    }

    void freeAll() {
        blocks.values().forEach(block -> block.arena.close());
        blocks.clear();
    }

    int count() {
        return blocks.size();
    }

    /** Copies host memory when it is run; what is not pinned is staged now, as the real driver does. */
    SimulatedStream.Work copy(DeviceMemory device, long to, MemorySegment from) {
        MemorySegment now = MemorySegment.ofArray(from.toArray(JAVA_BYTE));
        if (find(from) == null) {
            return () -> device.write(to, now);
        }
        return () -> {
            MemorySegment then = find(from);
            if (then == null) {
                throw new SimulatedError(SimulatedDriver.ILLEGAL_ADDRESS,
                        "pinned memory at 0x%x was freed before its copy ran", from.address());
            }
            long different = then.mismatch(now);
            if (different >= 0) {
                throw new SimulatedError(SimulatedDriver.UNKNOWN,
                        "pinned memory at 0x%x was overwritten before its copy ran", from.address() + different);
            }
            device.write(to, then);
        };
    }

    /** The range, if it is pinned. */
    private MemorySegment find(MemorySegment range) {
        Map.Entry<Long, Block> below = blocks.floorEntry(range.address());
        if (below == null) {
            return null;
        }
        MemorySegment memory = below.getValue().memory;
        long offset = range.address() - memory.address();
        return offset + range.byteSize() <= memory.byteSize() ? memory.asSlice(offset, range.byteSize()) : null;
    }
}
