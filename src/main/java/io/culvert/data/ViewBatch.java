package io.culvert.data;

import io.culvert.CounterRng;
import io.culvert.data.augment.ViewRenderer;
import java.lang.foreign.MemorySegment;

/** A batch of views that the loader's threads have rendered. */
final class ViewBatch extends Batch {
    private static final long PIXEL_BYTES = 3L * Float.BYTES;

    private final MemorySegment buffer;
    private final int views;
    private final long viewBytes;
    private MemorySegment pixels;

    ViewBatch(MemorySegment buffer, LoaderConfig config) {
        super(config.batchSize());
        this.buffer = buffer;
        this.views = config.views().size();
        this.viewBytes = bytes(config) / views / config.batchSize();
        this.pixels = buffer;
    }

    static long bytes(LoaderConfig config) {
        return PIXEL_BYTES * config.imageSize() * config.imageSize() * config.views().size() * config.batchSize();
    }

    @Override
    void opened() {
        long bytes = views * count() * viewBytes;
        if (pixels.byteSize() != bytes) {
            pixels = buffer.asSlice(0, bytes);
        }
    }

    /**
     * Floats {@code [views * count, H, W, 3]}, all of view 0 first: the image at position i of the batch is at i, at
     * count + i, and so on.
     */
    MemorySegment pixels() {
        return pixels;
    }

    /** Renders views into batches. */
    static final class Writer implements BatchWriter<ViewBatch> {
        private final LoaderConfig config;
        private final ViewRenderer[] renderers;
        private final CounterRng rng = new CounterRng();

        Writer(LoaderConfig config) {
            this.config = config;
            renderers = config.views().stream()
                    .map(view -> new ViewRenderer(view, config.imageSize())).toArray(ViewRenderer[]::new);
        }

        @Override
        public void write(ViewBatch batch, int position, MemorySegment image, int height, int width) {
            for (int view = 0; view < renderers.length; view++) {
                rng.key(config.seed(), batch.epoch(), batch.sampleIndices()[position], view);
                long place = (long) view * batch.count() + position;
                renderers[view].render(image, height, width, rng,
                        batch.buffer.asSlice(place * batch.viewBytes, batch.viewBytes));
            }
        }
    }
}
