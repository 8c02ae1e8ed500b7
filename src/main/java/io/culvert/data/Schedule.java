package io.culvert.data;

import io.culvert.CounterRng;
import io.culvert.CulvertException;

/**
 * Which samples come when: a run's batches in one sequence, numbered through the epochs, and each epoch's order, which
 * depends on seed and epoch only.
 */
final class Schedule {
    // No sample has this index, so the order shares no random numbers with any view.
    private static final long ORDER = -1;

    private final LoaderConfig config;
    private final int images;
    private final int stepsPerEpoch;
    private final int[] order;
    private final CounterRng rng = new CounterRng();
    private int orderEpoch = -1;

    Schedule(LoaderConfig config, int images) {
        this.config = config;
        this.images = images;
        this.stepsPerEpoch = config.stepsPerEpoch(images);
        this.order = new int[images];
        if (stepsPerEpoch == 0) {
            throw CulvertException.data("%d images do not fill one batch of %d; lower the batch size", images,
                    config.batchSize() * config.ranks());
        }
    }

    /** Number of the first batch. */
    long first() {
        return (long) config.startEpoch() * stepsPerEpoch + config.startStep();
    }

    /** Number of the batch after the last. */
    long end() {
        return (long) config.epochs() * stepsPerEpoch;
    }

    /** Gives a batch its place and its samples; batches are opened in ascending order. */
    void open(Batch batch, long number) {
        int epoch = (int) (number / stepsPerEpoch);
        int step = (int) (number % stepsPerEpoch);
        if (epoch != orderEpoch) {
            arrange(epoch);
        }
        int first = (step * config.ranks() + config.rank()) * config.batchSize();
        batch.open(epoch, step, order, first, Math.min(config.batchSize(), images - first));
    }

    private void arrange(int epoch) {
        for (int i = 0; i < images; i++) {
            order[i] = i;
        }
        if (config.shuffle()) {
            rng.key(config.seed(), epoch, ORDER, 0).shuffle(order, images);
        }
        orderEpoch = epoch;
    }
}
