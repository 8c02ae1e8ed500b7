package io.culvert.data;

import io.culvert.CounterRng;
import io.culvert.data.augment.ViewRenderer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** A batch of views that the loader's threads have rendered, each size in a block of its own. */
final class ViewBatch extends Batch {
    private static final long ALIGNMENT = 64;

    /** The views of one size. */
    private static final class Block {
        final Crops crops;
        final MemorySegment whole;
        MemorySegment pixels;

        Block(Crops crops, MemorySegment whole) {
            this.crops = crops;
            this.whole = whole;
            pixels = whole;
        }
    }

    private final List<Block> blocks;

    /** @param arena owns the memory */
    ViewBatch(LoaderConfig config, Arena arena) {
        super(config.batchSize());
        blocks = config.crops().stream()
                .map(crops -> new Block(crops, arena.allocate(bytes(crops, config.batchSize()), ALIGNMENT)))
                .toList();
    }

    private static long bytes(Crops crops, int images) {
        return crops.viewBytes() * crops.views().size() * images;
    }

    @Override
    void opened() {
        for (Block block : blocks) {
            long bytes = bytes(block.crops, count());
            if (block.pixels.byteSize() != bytes) {
                block.pixels = block.whole.asSlice(0, bytes);
            }
        }
    }

    /**
     * Floats {@code [views * count, H, W, 3]} of the crops number {@code index}, all of their view 0 first: the image at
     * position i of the batch is at i, at count + i, and so on.
     */
    MemorySegment pixels(int index) {
        return blocks.get(index).pixels;
    }

    /** Renders views into batches. */
    static final class Writer implements BatchWriter<ViewBatch> {
        private final LoaderConfig config;
        private final List<List<ViewRenderer>> renderers;
        private final CounterRng rng = new CounterRng();

        Writer(LoaderConfig config) {
            this.config = config;
            renderers = config.crops().stream()
                    .map(crops -> crops.views().stream().map(view -> new ViewRenderer(view, crops.size())).toList())
                    .toList();
        }

        @Override
        public void write(ViewBatch batch, int position, MemorySegment image, int height, int width) {
            int drawn = 0;
            for (int c = 0; c < batch.blocks.size(); c++) {
                Block block = batch.blocks.get(c);
                long bytes = block.crops.viewBytes();
                for (int view = 0; view < block.crops.views().size(); view++) {
                    rng.key(config.seed(), batch.epoch(), batch.sampleIndices()[position], drawn++);
                    long place = (long) view * batch.count() + position;
                    MemorySegment to = block.whole.asSlice(place * bytes, bytes);
                    renderers.get(c).get(view).render(image, height, width, rng, to);
                }
            }
        }
    }
}
