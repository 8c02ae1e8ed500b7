package io.culvert.data;

import io.culvert.CulvertException;
import io.culvert.data.augment.PlainView;
import io.culvert.data.augment.ViewRecipe;
import java.util.List;
import java.util.stream.Stream;

/**
 * What a {@link ViewLoader} delivers, and how.
 *
 * @param crops the views of an image, size by size
 * @param batchSize images a batch; of {@code ranks} that train together, images of this one's part of it
 * @param seed decides, with the epoch, the order, and with epoch, sample and view, each random choice
 * @param shuffle a new random order each epoch, or the data set's order
 * @param dropLast leave out the batch that an epoch does not fill, or deliver it with fewer images
 * @param threads loader threads; the pixels do not depend on their number
 * @param depth batches in the ring, at least 2
 * @param startEpoch epoch of the first batch
 * @param startStep step of the first batch in that epoch
 * @param epochs the epoch to stop before
 * @param passes batches that belong together: with {@code dropLast} an epoch has a multiple of these
 * @param rank which part of each batch, from 0
 * @param ranks parts of a batch
 * @param cacheBytes decoded images to keep off the heap, in bytes; 0 decodes every image each time
 */
public record LoaderConfig(
        List<Crops> crops,
        int batchSize,
        long seed,
        boolean shuffle,
        boolean dropLast,
        int threads,
        int depth,
        int startEpoch,
        int startStep,
        int epochs,
        int passes,
        int rank,
        int ranks,
        long cacheBytes) {
    private static final int DEFAULT_DEPTH = 3;

    public LoaderConfig {
        crops = List.copyOf(crops);
        atLeast("number of sizes", crops.size(), 1);
        atLeast("batch size", batchSize, 1);
        atLeast("number of loader threads", threads, 1);
        atLeast("loader depth", depth, 2);
        atLeast("start epoch", startEpoch, 0);
        atLeast("start step", startStep, 0);
        atLeast("number of epochs", epochs, 1);
        atLeast("number of passes", passes, 1);
        atLeast("number of ranks", ranks, 1);
        if (rank < 0 || rank >= ranks) {
            throw CulvertException.usage("a rank is from 0 to %d, got %d", ranks - 1, rank);
        }
        if (cacheBytes < 0) {
            throw CulvertException.usage("the cache of decoded images is at least 0 bytes, got %d", cacheBytes);
        }
    }

    /** Shuffled full batches of augmented views for a number of epochs. */
    public static LoaderConfig training(
            List<? extends ViewRecipe> views, int imageSize, int batchSize, long seed, int epochs) {
        return new LoaderConfig(
                List.of(new Crops(imageSize, views)), batchSize, seed, true, true, 1, DEFAULT_DEPTH, 0, 0, epochs, 1, 0, 1, 0);
    }

    /** Every image once in the data set's order, without chance. */
    public static LoaderConfig evaluation(PlainView view, int imageSize, int batchSize) {
        return new LoaderConfig(
                List.of(new Crops(imageSize, List.of(view))), batchSize, 0, false, false, 1, DEFAULT_DEPTH, 0, 0, 1, 1, 0, 1, 0);
    }

    public LoaderConfig withThreads(int newThreads) {
        return new LoaderConfig(crops, batchSize, seed, shuffle, dropLast, newThreads, depth, startEpoch,
                startStep, epochs, passes, rank, ranks, cacheBytes);
    }

    public LoaderConfig withDepth(int newDepth) {
        return new LoaderConfig(crops, batchSize, seed, shuffle, dropLast, threads, newDepth, startEpoch,
                startStep, epochs, passes, rank, ranks, cacheBytes);
    }

    /** Continues a run: the first batch is this one, with the pixels it would have had in the whole run. */
    public LoaderConfig withStart(int epoch, int step) {
        return new LoaderConfig(crops, batchSize, seed, shuffle, dropLast, threads, depth, epoch, step,
                epochs, passes, rank, ranks, cacheBytes);
    }

    public LoaderConfig withShuffle(boolean newShuffle) {
        return new LoaderConfig(crops, batchSize, seed, newShuffle, dropLast, threads, depth, startEpoch,
                startStep, epochs, passes, rank, ranks, cacheBytes);
    }

    public LoaderConfig withDropLast(boolean newDropLast) {
        return new LoaderConfig(crops, batchSize, seed, shuffle, newDropLast, threads, depth, startEpoch,
                startStep, epochs, passes, rank, ranks, cacheBytes);
    }

    public LoaderConfig withCacheBytes(long newCacheBytes) {
        return new LoaderConfig(crops, batchSize, seed, shuffle, dropLast, threads, depth, startEpoch,
                startStep, epochs, passes, rank, ranks, newCacheBytes);
    }

    /** Batches that belong together, so many at a time. */
    public LoaderConfig withPasses(int newPasses) {
        return new LoaderConfig(crops, batchSize, seed, shuffle, dropLast, threads, depth, startEpoch,
                startStep, epochs, newPasses, rank, ranks, cacheBytes);
    }

    /** Views of another size beside those there are, of the same images. */
    public LoaderConfig withCrops(List<? extends ViewRecipe> views, int size) {
        List<Crops> all = Stream.concat(crops.stream(), Stream.of(new Crops(size, views))).toList();
        return new LoaderConfig(all, batchSize, seed, shuffle, dropLast, threads, depth, startEpoch, startStep, epochs,
                passes, rank, ranks, cacheBytes);
    }

    /** One part of each batch: the others are other processes'. */
    public LoaderConfig withPart(int newRank, int newRanks) {
        return new LoaderConfig(crops, batchSize, seed, shuffle, dropLast, threads, depth, startEpoch, startStep, epochs,
                passes, newRank, newRanks, cacheBytes);
    }

    /** Batches an epoch over this many images has. */
    public int stepsPerEpoch(int images) {
        return dropLast ? images / (batchSize * ranks * passes) * passes : Math.ceilDiv(images, batchSize * ranks);
    }

    private static void atLeast(String what, int value, int least) {
        if (value < least) {
            throw CulvertException.usage("the %s is at least %d, got %d", what, least, value);
        }
    }
}
