package io.culvert.data;

import io.culvert.CounterRng;
import io.culvert.CulvertException;
import io.culvert.data.augment.ViewRenderer;
import io.culvert.device.cpu.RgbImage;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * Decodes and augments images on threads of its own, ahead of the trainer, into a ring of batches off the heap.
 *
 * <p>Every random choice depends on (seed, epoch, sample, view) only, and the order on (seed, epoch): a run gives the
 * same pixels whatever the number of threads, and from whichever step it is resumed. One thread calls {@link #next} and
 * {@link #release}.
 */
public final class ViewLoader implements AutoCloseable {
    private static final long ALIGNMENT = 64;
    private static final long CLOSE_SECONDS = 10;

    private final Dataset dataset;
    private final LoaderConfig config;
    private final DecodedCache cache;
    private final BatchRing ring;
    private final List<Thread> threads;

    /**
     * Allocates the ring and starts loading.
     *
     * @param arena owns the memory of the ring and the cache; a shared one, and it outlives the loader
     * @throws CulvertException of kind DATA when the data set does not fill one batch
     */
    public ViewLoader(Dataset dataset, LoaderConfig config, Arena arena) {
        this(dataset, config, arena, ImageDecoder::new);
    }

    ViewLoader(Dataset dataset, LoaderConfig config, Arena arena, Supplier<? extends Decoder> decoders) {
        this.dataset = dataset;
        this.config = config;
        Schedule schedule = new Schedule(config, dataset.size());
        Batch[] batches = new Batch[config.depth()];
        long bytes = Batch.viewBytes(config.imageSize()) * config.views().size() * config.batchSize();
        for (int i = 0; i < batches.length; i++) {
            batches[i] = new Batch(arena.allocate(bytes, ALIGNMENT), config.batchSize(), config.views().size(),
                    config.imageSize());
        }
        this.cache = new DecodedCache(config.cacheBytes(), dataset.size(), arena);
        this.ring = new BatchRing(batches, schedule);
        this.threads = IntStream.range(0, config.threads())
                .mapToObj(i -> Thread.ofPlatform().daemon().name("loader-" + i).start(() -> work(decoders)))
                .toList();
    }

    /**
     * Waits for the next batch and lends it; null after the last one.
     *
     * @throws CulvertException of kind DATA when an image of the batch cannot be decoded (naming its file)
     */
    public Batch next() {
        try {
            return ring.next();
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for a batch", e);
        } catch (Throwable e) {
            throw new IllegalStateException("a loader thread failed", e);
        }
    }

    /** Gives a batch back; its pixels are overwritten from now on. */
    public void release(Batch batch) {
        ring.release(batch);
    }

    /** Time that {@link #next} has waited for the loader threads so far. */
    public long waitNanos() {
        return ring.waitNanos();
    }

    /** Batches an epoch has. */
    public int stepsPerEpoch() {
        return config.stepsPerEpoch(dataset.size());
    }

    /** Stops the threads after the image at hand. They are daemons: one stuck in a dead file system is left behind. */
    @Override
    public void close() {
        ring.close();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(CLOSE_SECONDS);
        try {
            for (Thread thread : threads) {
                TimeUnit.NANOSECONDS.timedJoin(thread, deadline - System.nanoTime());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void work(Supplier<? extends Decoder> decoders) {
        try (Decoder decoder = decoders.get(); RgbImage image = new RgbImage()) {
            ViewRenderer[] renderers = config.views().stream()
                    .map(view -> new ViewRenderer(view, config.imageSize())).toArray(ViewRenderer[]::new);
            CounterRng rng = new CounterRng();
            BatchRing.Claim claim = new BatchRing.Claim();
            while (ring.claim(claim)) {
                ring.finish(claim, load(claim, decoder, image, renderers, rng));
            }
        } catch (Throwable e) {
            ring.fail(e);
        }
    }

    /** Loads the claimed image; returns what went wrong, or null. */
    private Throwable load(BatchRing.Claim claim, Decoder decoder, RgbImage image, ViewRenderer[] renderers,
            CounterRng rng) {
        Batch batch = claim.batch;
        int sample = batch.sampleIndices()[claim.position];
        try {
            DecodedCache.Entry kept = cache.get(sample);
            if (kept == null) {
                decoder.decode(dataset.path(sample), image);
                cache.put(sample, image);
            }
            MemorySegment pixels = kept == null ? image.pixels() : kept.pixels();
            int height = kept == null ? image.height() : kept.height();
            int width = kept == null ? image.width() : kept.width();
            for (int view = 0; view < renderers.length; view++) {
                rng.key(config.seed(), batch.epoch(), sample, view);
                renderers[view].render(pixels, height, width, rng, batch.view(view, claim.position));
            }
            return null;
        } catch (Throwable e) {
            return e;
        }
    }
}
