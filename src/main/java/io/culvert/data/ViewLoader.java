package io.culvert.data;

import io.culvert.CulvertException;
import io.culvert.device.cpu.RgbImage;
import io.culvert.profile.DecodeEvent;
import io.culvert.profile.LoaderClock;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Decodes images on threads of its own, ahead of the trainer, into a ring of batches off the heap: either rendered views,
 * or the images themselves with what a device is to make of them.
 *
 * <p>Every random choice depends on (seed, epoch, sample, view) only, and the order on (seed, epoch): a run gives the
 * same pixels whatever the number of threads, and from whichever step it is resumed. One thread calls {@link #next} and
 * {@link #release}.
 */
final class ViewLoader<B extends Batch> implements AutoCloseable {
    private static final long CLOSE_SECONDS = 10;

    private final Dataset dataset;
    private final LoaderConfig config;
    private final DecodedCache cache;
    private final BatchRing<B> ring;
    private final List<Thread> threads;

    /**
     * Starts loading.
     *
     * @param arena owns the memory of the cache; a shared one, and it outlives the loader
     * @param batch makes one batch of the ring; they outlive the loader
     * @param writers makes what one thread puts images into batches with
     * @throws CulvertException of kind DATA when the data set does not fill one batch
     */
    ViewLoader(Dataset dataset, LoaderConfig config, Arena arena, Supplier<? extends Decoder> decoders,
            Supplier<B> batch, Supplier<? extends BatchWriter<B>> writers) {
        this.dataset = dataset;
        this.config = config;
        Schedule schedule = new Schedule(config, dataset.size());
        List<B> batches = Stream.generate(batch).limit(config.depth()).toList();
        this.cache = new DecodedCache(config.cacheBytes(), dataset.size(), arena);
        this.ring = new BatchRing<>(batches, schedule);
        this.threads = IntStream.range(0, config.threads())
                .mapToObj(i -> Thread.ofPlatform().daemon().name("loader-" + i).start(() -> work(decoders, writers)))
                .toList();
    }

    /**
     * A loader of rendered views.
     *
     * @param arena owns the memory of the ring and the cache; a shared one, and it outlives the loader
     */
    static ViewLoader<ViewBatch> rendering(
            Dataset dataset, LoaderConfig config, Arena arena, Supplier<? extends Decoder> decoders) {
        return new ViewLoader<>(dataset, config, arena, decoders,
                () -> new ViewBatch(config, arena), () -> new ViewBatch.Writer(config));
    }

    /**
     * Waits for the next batch and lends it; null after the last one.
     *
     * @throws CulvertException of kind DATA when an image of the batch cannot be decoded (naming its file)
     */
    B next() {
        return take(true);
    }

    /** As {@link #next} if the batch is loaded, else null; what went wrong with it is for {@link #next} to tell. */
    B poll() {
        return take(false);
    }

    private B take(boolean wait) {
        try {
            return ring.take(wait);
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
    void release(B batch) {
        ring.release(batch);
    }

    /** Time that {@link #next} has waited for the loader threads so far. */
    long waitNanos() {
        return ring.waitNanos();
    }

    /** Batches an epoch has. */
    int stepsPerEpoch() {
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

    private void work(Supplier<? extends Decoder> decoders, Supplier<? extends BatchWriter<B>> writers) {
        try (Decoder decoder = decoders.get(); RgbImage image = new RgbImage()) {
            BatchWriter<B> writer = writers.get();
            BatchRing.Claim<B> claim = new BatchRing.Claim<>();
            LoaderClock clock = LoaderClock.open();
            while (ring.claim(claim)) {
                clock.lap(LoaderClock.Task.IDLE);
                ring.finish(claim, load(claim, decoder, image, writer, clock));
            }
        } catch (Throwable e) {
            ring.fail(e);
        }
    }

    /** Loads the claimed image; returns what went wrong, or null. */
    private Throwable load(BatchRing.Claim<B> claim, Decoder decoder, RgbImage image, BatchWriter<B> writer,
            LoaderClock clock) {
        int sample = claim.batch.sampleIndices()[claim.position];
        try {
            DecodedCache.Entry kept = cache.get(sample);
            if (kept == null) {
                DecodeEvent event = DecodeEvent.start();
                decoder.decode(dataset.path(sample), image);
                if (event != null) {
                    event.finish(dataset.path(sample));
                }
                cache.put(sample, image);
                clock.lap(LoaderClock.Task.DECODE);
                writer.write(claim.batch, claim.position, image.pixels(), image.height(), image.width());
            } else {
                writer.write(claim.batch, claim.position, kept.pixels(), kept.height(), kept.width());
            }
            clock.lap(LoaderClock.Task.RENDER);
            return null;
        } catch (Throwable e) {
            return e;
        }
    }
}
