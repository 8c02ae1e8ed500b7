package io.culvert.data;

import java.lang.foreign.MemorySegment;

/** Puts decoded images into batches, for one loader thread. */
interface BatchWriter<B extends Batch> {
    /**
     * Puts one image into its place.
     *
     * @param image bytes {@code [height, width, 3]}, which the caller uses again
     */
    void write(B batch, int position, MemorySegment image, int height, int width);
}
