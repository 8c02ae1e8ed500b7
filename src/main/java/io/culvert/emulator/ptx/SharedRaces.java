package io.culvert.emulator.ptx;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Finds races on shared memory: for each byte it keeps the last write, the last read, and the last read by another
 * warp, and asks at each access whether something ordered the earlier one before it. Between warps that is a barrier
 * (vector clocks, as in FastTrack: Flanagan and Freund, PLDI 2009); within a warp it is the instruction order of lanes
 * that were together since, as on a GPU whose warps reconverge.
 *
 * <p>A group of 4 bytes has one cell until something smaller than 4 bytes touches it, then one a byte.
 */
final class SharedRaces {
    // A cell packs: time of the access (32 bits), id of its instruction (20), thread (10), whether it was atomic (1).
    private static final int THREAD_SHIFT = 1;
    private static final int INSTRUCTION_SHIFT = 11;
    private static final int TIME_SHIFT = 32;

    /** What the access does. */
    enum Access {
        READ,
        WRITE,
        ATOMIC
    }

    private final ThreadBlock block;
    private final Map<Long, int[]> clocks = new HashMap<>();
    private final long[] wordCells;
    private final boolean[] split;
    private long[] byteCells;

    SharedRaces(ThreadBlock block, int bytes) {
        this.block = block;
        int words = (bytes + 3) / 4;
        wordCells = new long[3 * words];
        split = new boolean[words];
    }

    /**
     * An atomic at an address (an offset, if it is in shared memory) takes over what those before it knew of each warp's
     * past, and leaves what this warp knows: so a lock orders what is done under it.
     */
    void synchronise(Warp warp, int lane, long address) {
        int[] clock = clocks.computeIfAbsent(address, key -> new int[warp.seen.length]);
        warp.acquired[lane] = Math.max(warp.acquired[lane], clock[warp.index]);
        for (int i = 0; i < clock.length; i++) {
            if (i != warp.index) {
                warp.seen[i] = Math.max(warp.seen[i], clock[i]);
                clock[i] = warp.seen[i];
            }
        }
        clock[warp.index] = warp.time;
        warp.time++;
    }

    void clear() {
        clocks.clear();
        Arrays.fill(wordCells, 0);
        if (byteCells != null) {
            Arrays.fill(split, false);
        }
    }

    /** The accesses of all lanes of {@code mask} in one instruction. */
    void touch(Access access, Frame f, int mask, long[] offsets, int bytes, Instruction by) {
        long[] cells = wordCells;
        long stamp = stamp(access, f.warp, by);
        long last = -1;
        for (int left = mask; left != 0; left &= left - 1) {
            int lane = Integer.numberOfTrailingZeros(left);
            long offset = offsets[lane];
            if (access != Access.READ || bytes != 4 || split[(int) offset >>> 2]) {
                touch(access, f, lane, (int) offset, bytes, by);
            } else if (offset != last) {
                // Lanes that read one word together are as good as one of them.
                last = offset;
                read(f, lane, cells, 3 * ((int) offset >>> 2), stamp, offset);
            }
        }
    }

    private void read(Frame f, int lane, long[] cells, int cell, long stamp, long offset) {
        long write = cells[cell];
        if (write != 0 && !ordered(write, f, lane)) {
            throw race(write, "written", Access.READ, f, lane, (int) offset);
        }
        long read = cells[cell + 1];
        if (read != 0 && thread(read) >>> 5 != f.warp.index) {
            cells[cell + 2] = read;
        }
        cells[cell + 1] = stamp | (long) (f.warp.index * 32 + lane) << THREAD_SHIFT;
    }

    private static long stamp(Access access, Warp warp, Instruction by) {
        return (long) warp.time << TIME_SHIFT | (long) by.id << INSTRUCTION_SHIFT | (access == Access.ATOMIC ? 1 : 0);
    }

    void touch(Access access, Frame f, int lane, int offset, int bytes, Instruction by) {
        for (int at = offset; at < offset + bytes; at += 4) {
            int word = at >>> 2;
            if (bytes >= 4 && !split[word]) {
                touch(access, f, lane, wordCells, 3 * word, at, by);
            } else {
                splitWord(word);
                for (int b = at; b < Math.min(at + 4, offset + bytes); b++) {
                    touch(access, f, lane, byteCells, 3 * b, b, by);
                }
            }
        }
    }

    private void splitWord(int word) {
        if (split[word]) {
            return;
        }
        if (byteCells == null) {
            byteCells = new long[4 * wordCells.length];
        }
        for (int b = 4 * word; b < 4 * word + 4; b++) {
            System.arraycopy(wordCells, 3 * word, byteCells, 3 * b, 3);
        }
        split[word] = true;
    }

    private void touch(Access access, Frame f, int lane, long[] cells, int cell, int offset, Instruction by) {
        Warp warp = f.warp;
        long packed = stamp(access, warp, by) | (long) (warp.index * 32 + lane) << THREAD_SHIFT;
        if (access == Access.READ) {
            read(f, lane, cells, cell, packed, offset);
            return;
        }
        long write = cells[cell];
        boolean bothAtomic = access == Access.ATOMIC && (write & 1) != 0;
        if (write != 0 && !bothAtomic && !ordered(write, f, lane)) {
            throw race(write, "written", access, f, lane, offset);
        }
        long read = cells[cell + 1];
        if (read != 0) {
            long earlier = cells[cell + 2];
            long unordered = !ordered(read, f, lane) ? read : earlier != 0 && !ordered(earlier, f, lane) ? earlier : 0;
            if (unordered != 0) {
                throw race(unordered, "read", access, f, lane, offset);
            }
            cells[cell + 1] = 0;
            cells[cell + 2] = 0;
        }
        cells[cell] = packed;
    }

    private static int thread(long packed) {
        return (int) (packed >>> THREAD_SHIFT) & 1023;
    }

    private boolean ordered(long earlier, Frame f, int lane) {
        int other = thread(earlier);
        int time = (int) (earlier >>> TIME_SHIFT);
        Warp warp = f.warp;
        if (other >>> 5 != warp.index) {
            return warp.seen[other >>> 5] >= time;
        }
        int otherLane = other & 31;
        if (otherLane == lane) {
            return true;
        }
        if (time == warp.time) {
            return false;
        }
        return (f.mask >>> otherLane & 1) != 0 || time <= warp.acquired[lane] || time <= warp.splits.timeOf(lane, otherLane);
    }

    private KernelFault race(long earlier, String done, Access access, Frame f, int lane, int offset) {
        Instruction by = block.instruction((int) (earlier >>> INSTRUCTION_SHIFT) & 0xfffff);
        return f.warp.fault(
                KernelFault.Kind.SHARED_RACE,
                lane,
                "%s of shared byte %d (%s), which thread %s %s at PTX line %d%s, with no barrier between",
                access == Access.READ ? "read" : access == Access.WRITE ? "write" : "atomic update",
                offset,
                block.shared.nameOf(offset),
                block.threadName(thread(earlier)),
                done,
                by.statement.line(),
                block.source(by));
    }
}
