package io.culvert.data;

import io.culvert.CulvertException;
import io.culvert.device.cpu.RgbImage;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * The hashes of a data set's pictures, which {@link NearDuplicates} compares: 16 bytes a picture.
 */
public final class Fingerprints {
    private final Dataset dataset;
    private final long[] pixels;
    private final long[] looks;
    private final boolean[] known;

    /** Of pictures not seen yet. */
    Fingerprints(Dataset dataset) {
        this.dataset = dataset;
        pixels = new long[dataset.size()];
        looks = new long[dataset.size()];
        known = new boolean[dataset.size()];
    }

    /**
     * Decodes all pictures of a data set.
     *
     * @param threads pictures decoded at a time
     * @param progress told the number of pictures done so far, from any of the threads
     * @throws CulvertException of kind DATA, naming the file, when a picture is missing or damaged
     */
    public static Fingerprints of(Dataset dataset, int threads, IntConsumer progress) {
        Fingerprints fingerprints = new Fingerprints(dataset);
        AtomicInteger claimed = new AtomicInteger();
        AtomicInteger done = new AtomicInteger();
        DecodingThreads.run("fingerprint", threads, () -> {
            PictureHash hash = new PictureHash();
            try (ImageDecoder decoder = new ImageDecoder(); RgbImage image = new RgbImage()) {
                for (int i = claimed.getAndIncrement(); i < dataset.size(); i = claimed.getAndIncrement()) {
                    decoder.decode(dataset.path(i), image);
                    fingerprints.set(i, image, hash);
                    progress.accept(done.incrementAndGet());
                }
            } catch (RuntimeException | Error e) {
                claimed.set(dataset.size());
                throw e;
            }
        });
        return fingerprints;
    }

    /** Notes a picture; different ones may be set by different threads. */
    void set(int index, RgbImage image, PictureHash hash) {
        set(index, PictureHash.pixels(image), hash.looks(image));
    }

    void set(int index, long ofPixels, long ofLooks) {
        pixels[index] = ofPixels;
        looks[index] = ofLooks;
        known[index] = true;
    }

    /** The pictures that could be read, ascending. */
    int[] known() {
        return IntStream.range(0, known.length).filter(i -> known[i]).toArray();
    }

    Dataset dataset() {
        return dataset;
    }

    long pixels(int index) {
        return pixels[index];
    }

    long looks(int index) {
        return looks[index];
    }
}
