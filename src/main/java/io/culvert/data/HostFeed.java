package io.culvert.data;

import io.culvert.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.Supplier;

/** Views rendered by the loader's threads: read in place, or copied where the device does not read host memory. */
final class HostFeed extends Feed {
    private static final long ALIGNMENT = 64;

    private final Arena arena = Arena.ofShared();
    private final List<Tensor> pixels;
    private final List<MemorySegment> partial;
    private final ViewLoader<ViewBatch> loader;
    private ViewBatch lent;

    HostFeed(Dataset dataset, LoaderConfig config, List<Tensor> pixels, Supplier<? extends Decoder> decoders) {
        this.pixels = pixels;
        try {
            partial = config.dropLast()
                    ? null
                    : pixels.stream().map(input -> arena.allocate(input.bytes(), ALIGNMENT)).toList();
            loader = ViewLoader.rendering(dataset, config, arena, decoders);
        } catch (Throwable e) {
            arena.close();
            throw e;
        }
    }

    @Override
    public int next() {
        if (lent != null) {
            loader.release(lent);
        }
        lent = loader.next();
        if (lent == null) {
            return 0;
        }
        for (int i = 0; i < pixels.size(); i++) {
            MemorySegment views = lent.pixels(i);
            if (views.byteSize() < pixels.get(i).bytes()) {
                views = partial.get(i).copyFrom(views);
            }
            pixels.get(i).feed(views);
        }
        return lent.count();
    }

    @Override
    public int[] samples() {
        return lent.sampleIndices();
    }

    @Override
    public long waitNanos() {
        return loader.waitNanos();
    }

    @Override
    public int stepsPerEpoch() {
        return loader.stepsPerEpoch();
    }

    @Override
    public void close() {
        try {
            loader.close();
        } finally {
            arena.close();
        }
    }
}
