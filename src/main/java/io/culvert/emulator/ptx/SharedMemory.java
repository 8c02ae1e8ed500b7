package io.culvert.emulator.ptx;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/** Shared memory of a block: contents, what was written, what a {@code cp.async} will still write, and races. */
final class SharedMemory {
    final Region region;

    /** Null when races are not looked for. */
    final SharedRaces races;

    private final TreeMap<Long, Variable> variables = new TreeMap<>();
    private final int[] inFlight;
    private int copiesInFlight;

    SharedMemory(ThreadBlock block, int bytes, Map<Variable, Long> offsets, boolean races) {
        // Padding lets an empty memory exist; the region ends where the variables do.
        MemorySegment data = Arena.ofAuto().allocate(Math.max(bytes, 16), 256).asSlice(0, bytes);
        region = new Region("shared", data, 0, true, false);
        offsets.forEach((variable, offset) -> variables.put(offset, variable));
        inFlight = new int[bytes];
        this.races = races ? new SharedRaces(block, bytes) : null;
    }

    void clear() {
        region.clear();
        if (races != null) {
            races.clear();
        }
        if (copiesInFlight > 0) {
            Arrays.fill(inFlight, 0);
            copiesInFlight = 0;
        }
    }

    /** Orders what this lane does after the earlier atomics on the address, and those to come after what it did. */
    void synchronise(Frame f, int lane, long address) {
        if (races != null && region.size > 0) {
            races.synchronise(f.warp, lane, address);
        }
    }

    void beginCopy(long offset, int bytes) {
        for (int i = 0; i < bytes; i++) {
            inFlight[(int) offset + i]++;
        }
        copiesInFlight++;
    }

    void endCopy(long offset, int bytes) {
        for (int i = 0; i < bytes; i++) {
            inFlight[(int) offset + i]--;
        }
        copiesInFlight--;
    }

    boolean hasCopiesInFlight() {
        return copiesInFlight > 0;
    }

    boolean isInFlight(long offset, int bytes) {
        if (copiesInFlight > 0) {
            for (int i = 0; i < bytes; i++) {
                if (inFlight[(int) offset + i] != 0) {
                    return true;
                }
            }
        }
        return false;
    }

    /** The variable that holds the byte, with the distance from its start. */
    String nameOf(long offset) {
        Map.Entry<Long, Variable> below = variables.floorEntry(offset);
        return below == null
                ? "no variable"
                : "%s + %d".formatted(below.getValue().name(), offset - below.getKey());
    }
}
