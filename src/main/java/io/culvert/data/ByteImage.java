package io.culvert.data;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A decoded image, bytes {@code [height, width, 3]} off the heap, in a buffer that grows and is reused. */
final class ByteImage implements AutoCloseable {
    private Arena arena = Arena.ofConfined();
    private MemorySegment buffer = MemorySegment.NULL;
    private int height;
    private int width;

    /** Sets the size and returns the buffer to fill. */
    MemorySegment reshape(int newHeight, int newWidth) {
        long bytes = 3L * newHeight * newWidth;
        if (buffer.byteSize() < bytes) {
            arena.close();
            arena = Arena.ofConfined();
            buffer = arena.allocate(bytes, Long.BYTES);
        }
        height = newHeight;
        width = newWidth;
        return buffer;
    }

    MemorySegment pixels() {
        return buffer;
    }

    int height() {
        return height;
    }

    int width() {
        return width;
    }

    @Override
    public void close() {
        arena.close();
    }
}
