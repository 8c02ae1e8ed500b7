package io.culvert.emulator.ptx;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.TreeMap;

/**
 * The simulated GPU's global memory. Blocks are native memory, so their addresses may be handed to C. Each has guard
 * bytes on both sides and a shadow of which bytes were written; fresh memory holds NaN in every format. Addresses of
 * freed blocks stay known, so that an access to one is named as such.
 *
 * <p>Not thread-safe: one thread at a time allocates, copies or runs kernels.
 */
public final class DeviceMemory {
    /** As cuMemAlloc aligns. */
    public static final long ALIGNMENT = 256;

    private static final long GUARD_BYTES = 256;
    private static final byte GUARD = (byte) 0xa5;

    private record Freed(String label, long size) {}

    private record Block(Region region, MemorySegment whole) {}

    private final TreeMap<Long, Block> blocks = new TreeMap<>();
    private final TreeMap<Long, Freed> freed = new TreeMap<>();

    /** Address of a new block of {@code bytes} (at least 1), aligned to {@link #ALIGNMENT}; the label is for faults. */
    public long allocate(long bytes, String label) {
        return allocate(bytes, label, false).base;
    }

    Region allocate(long bytes, String label, boolean readOnly) {
        if (bytes <= 0) {
            throw new IllegalArgumentException("cannot allocate %d bytes for '%s'".formatted(bytes, label));
        }
        long padded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        MemorySegment whole = Arena.ofAuto().allocate(padded + 2 * GUARD_BYTES, ALIGNMENT);
        whole.fill(GUARD);
        MemorySegment data = whole.asSlice(GUARD_BYTES, bytes);
        Region region = new Region(label, data, data.address(), true, readOnly);
        region.clear();
        blocks.put(region.base, new Block(region, whole));
        // The C allocator may hand out an address again: it then belongs to the new block.
        freed.subMap(region.base - GUARD_BYTES, true, region.base + padded + GUARD_BYTES, false)
                .clear();
        return region;
    }

    /**
     * Frees the block that starts at {@code address}.
     *
     * @throws IllegalArgumentException if none starts there, or if its guard bytes were overwritten
     */
    public void free(long address) {
        Block block = blocks.remove(address);
        if (block == null) {
            throw new IllegalArgumentException("free of 0x%x: %s".formatted(address, describe(address, 1)));
        }
        freed.put(address, new Freed(block.region.label, block.region.size));
        checkGuards(block);
    }

    /** As {@link #free}'s check of guard bytes, for all blocks that are allocated. */
    public void checkGuards() {
        blocks.values().forEach(DeviceMemory::checkGuards);
    }

    private static void checkGuards(Block block) {
        long end = GUARD_BYTES + block.region.size;
        for (long at = 0; at < block.whole.byteSize(); at = at == GUARD_BYTES - 1 ? end : at + 1) {
            if (block.whole.get(JAVA_BYTE, at) != GUARD) {
                throw new IllegalArgumentException("guard bytes of '%s' (%d bytes) were overwritten at offset %d"
                        .formatted(block.region.label, block.region.size, at - GUARD_BYTES));
            }
        }
    }

    /** How many blocks are allocated. */
    public int blockCount() {
        return blocks.size();
    }

    /** Bytes of all blocks that are allocated. */
    public long allocatedBytes() {
        return blocks.values().stream().mapToLong(block -> block.region.size).sum();
    }

    /** Labels and sizes of all blocks that are allocated, by address. */
    public Map<Long, String> blockLabels() {
        TreeMap<Long, String> labels = new TreeMap<>();
        blocks.forEach((address, block) -> labels.put(address, block.region.label));
        return labels;
    }

    /**
     * The bytes of a range that lies in one block. Writes through it do not count as initialising: see {@link
     * #markWritten}.
     */
    public MemorySegment segment(long address, long bytes) {
        Region region = require(address, bytes);
        return region.data.asSlice(address - region.base, bytes);
    }

    /** Copies from the host and marks the bytes as initialised. */
    public void write(long address, MemorySegment source) {
        segment(address, source.byteSize()).copyFrom(source);
        markWritten(address, source.byteSize());
    }

    /** Copies to the host, initialised or not. */
    public void read(long address, MemorySegment target) {
        target.copyFrom(segment(address, target.byteSize()));
    }

    /** Sets every byte of a range, as cuMemsetD8. */
    public void fill(long address, long bytes, byte value) {
        segment(address, bytes).fill(value);
        markWritten(address, bytes);
    }

    /** Says that something other than a kernel wrote the range. */
    public void markWritten(long address, long bytes) {
        Region region = require(address, bytes);
        region.markWritten(address - region.base, bytes);
    }

    /** Address of the first byte of the range that nothing wrote since its allocation, or -1. */
    public long firstUnwritten(long address, long bytes) {
        Region region = require(address, bytes);
        long offset = region.firstUnwritten(address - region.base, bytes);
        return offset < 0 ? -1 : region.base + offset;
    }

    private Region require(long address, long bytes) {
        Region region = find(address, bytes);
        if (region == null) {
            throw new IllegalArgumentException(
                    "%d bytes at 0x%x: %s".formatted(bytes, address, describe(address, bytes)));
        }
        return region;
    }

    /** The block that holds the whole range, or null. */
    Region find(long address, long bytes) {
        Map.Entry<Long, Block> below = blocks.floorEntry(address);
        return below != null && below.getValue().region.contains(address, bytes) ? below.getValue().region : null;
    }

    boolean isFreed(long address) {
        Map.Entry<Long, Freed> below = freed.floorEntry(address);
        return below != null && address < below.getKey() + below.getValue().size;
    }

    /** Where a range lies that is in no block: the freed or the nearest block, and the distance. */
    String describe(long address, long bytes) {
        if (isFreed(address)) {
            Map.Entry<Long, Freed> block = freed.floorEntry(address);
            return "%d bytes into '%s' (%d bytes), which was freed"
                    .formatted(address - block.getKey(), block.getValue().label, block.getValue().size);
        }
        Region below = region(blocks.floorEntry(address));
        Region above = region(blocks.higherEntry(address));
        if (below == null && above == null) {
            return "nothing is allocated";
        }
        boolean nearBelow = above == null || below != null && address - below.base - below.size < above.base - address;
        Region near = nearBelow ? below : above;
        if (near.contains(address, 1)) {
            return "%d bytes into '%s' (%d bytes), running past its end by %d"
                    .formatted(address - near.base, near.label, near.size, address + bytes - near.base - near.size);
        }
        return nearBelow
                ? "%d bytes past the end of '%s' (%d bytes)"
                        .formatted(address - near.base - near.size, near.label, near.size)
                : "%d bytes before '%s' (%d bytes)".formatted(near.base - address, near.label, near.size);
    }

    private static Region region(Map.Entry<Long, Block> entry) {
        return entry == null ? null : entry.getValue().region;
    }
}
