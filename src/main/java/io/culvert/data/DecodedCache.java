package io.culvert.data;

import io.culvert.device.cpu.RgbImage;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Keeps decoded images off the heap until its budget is spent, and forgets none: an epoch reads every image once, so no
 * image is a better one to keep than another.
 */
final class DecodedCache {
    private static final long BLOCK = 32L << 20;

    /** A kept image, bytes {@code [height, width, 3]}. */
    record Entry(MemorySegment pixels, int height, int width) {}

    private final Arena arena;
    private final AtomicReferenceArray<Entry> entries;
    private long left;
    private MemorySegment block = MemorySegment.NULL;
    private long used;

    DecodedCache(long budgetBytes, int samples, Arena arena) {
        this.left = budgetBytes;
        this.entries = new AtomicReferenceArray<>(budgetBytes > 0 ? samples : 0);
        this.arena = arena;
    }

    /** The image of this sample, or null if it is not kept. */
    Entry get(int sample) {
        return sample < entries.length() ? entries.get(sample) : null;
    }

    /** Keeps a copy if the budget has room for it. */
    void put(int sample, RgbImage image) {
        if (sample >= entries.length() || entries.get(sample) != null) {
            return;
        }
        MemorySegment copy = reserve(image.pixels().byteSize());
        if (copy != null) {
            copy.copyFrom(image.pixels());
            entries.set(sample, new Entry(copy, image.height(), image.width()));
        }
    }

    private synchronized MemorySegment reserve(long bytes) {
        if (used + bytes > block.byteSize()) {
            long size = Math.min(left, Math.max(BLOCK, bytes));
            if (size < bytes) {
                return null;
            }
            block = arena.allocate(size, Long.BYTES);
            left -= size;
            used = 0;
        }
        MemorySegment part = block.asSlice(used, bytes);
        used += bytes;
        return part;
    }
}
