package io.culvert.device.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A decoded image off the heap: interleaved RGB bytes {@code [H, W, 3]}, rows packed. One per loader thread, used again
 * for every image: its memory grows to the largest and stays.
 */
public final class RgbImage implements AutoCloseable {
    private static final int CHANNELS = 3;
    /** The unpacking loop stores whole words: room for it to run over the last pixel. */
    private static final int SLACK = 8;

    private Arena arena = Arena.ofConfined();
    private MemorySegment memory = MemorySegment.NULL;
    private MemorySegment pixels = MemorySegment.NULL;
    private int height;
    private int width;

    public int height() {
        return height;
    }

    public int width() {
        return width;
    }

    /** Exactly {@code height * width * 3} bytes, valid until the next {@link #resize} or {@link #close}. */
    public MemorySegment pixels() {
        return pixels;
    }

    /** Makes it {@code height} by {@code width} pixels of undefined content. */
    public void resize(int height, int width) {
        if (height <= 0 || width <= 0) {
            throw new IllegalArgumentException("image of " + height + " x " + width + " pixels");
        }
        long bytes = (long) height * width * CHANNELS;
        memory = ensure(bytes + SLACK);
        pixels = memory.asSlice(0, bytes);
        this.height = height;
        this.width = width;
    }

    /** The pixels with some slack behind them. */
    MemorySegment memory() {
        return memory;
    }

    private MemorySegment ensure(long bytes) {
        if (memory.byteSize() >= bytes) {
            return memory;
        }
        arena.close();
        arena = Arena.ofConfined();
        return arena.allocate(bytes, Long.BYTES);
    }

    @Override
    public void close() {
        arena.close();
    }
}
