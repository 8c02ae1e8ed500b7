package io.culvert.train;

import io.culvert.CounterRng;
import io.culvert.CulvertException;
import io.culvert.data.Crops;
import io.culvert.data.Dataset;
import io.culvert.data.LoaderConfig;
import io.culvert.data.augment.AugmentConfig;
import io.culvert.metric.Embeddings;
import io.culvert.metric.LabelFree;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What can be said of an encoder without a label: {@link LabelFree}'s scores of its features, of images that the run's
 * seed draws from the training images without regard to their labels, resized as for the probes, and of some of them
 * under the run's own augmentation. The same configuration and weights give the same scores; the same seed and images
 * give every method the same draw.
 */
public final class LabelFreeScores {
    private static final long DRAW = 0x5C02E5;

    private LabelFreeScores() {}

    /**
     * The scores of an encoder, all of {@link LabelFree} in its order; none if {@code probe.scores_images} is 0.
     *
     * @param dataset the images to draw from; labels are not looked at
     * @throws CulvertException (data) if the weights or an image are not there; (diverged) if a feature is not finite
     */
    public static List<LabelFree.Reading> of(RunConfig config, EncoderFile weights, Dataset dataset) {
        weights.requireThere();
        try (Run run = new Run(config)) {
            Encoding encoding = new Encoding(run);
            weights.load(run.backbone());
            return of(run, encoding, "label-free", dataset);
        }
    }

    /** The scores of a run's backbone as it is. */
    static List<LabelFree.Reading> of(Run run, Encoding encoding, String label, Dataset dataset) {
        return run.config().probe().scoresImages() == 0
                ? List.of()
                : LabelFree.all(embeddings(run, encoding, label, dataset));
    }

    static Embeddings embeddings(Run run, Encoding encoding, String label, Dataset dataset) {
        RunConfig config = run.config();
        RunConfig.Probe keys = config.probe();
        int[] order = IntStream.range(0, dataset.size()).toArray();
        new CounterRng().key(config.seed(), DRAW, 0, 0).shuffle(order, order.length);
        int n = Math.min(keys.scoresImages(), order.length);
        int viewed = keys.scoresViews() == 0 ? 0 : Math.min(keys.scoresViewed(), n);
        Dataset drawn = dataset.subset(Arrays.copyOf(order, n));
        Features clean = encoding.features("encode clean, " + label, drawn);
        clean.requireFinite();
        int d = clean.width();
        int q = keys.scoresViews();
        double[] views = new double[viewed * q * d];
        Dataset first = drawn.subset(IntStream.range(0, viewed).toArray());
        for (int v = 0; v < q && viewed > 0; v++) {
            Features view = encoding.features("encode view %d, %s".formatted(v + 1, label), first, loading(run, v));
            view.requireFinite();
            for (int i = 0; i < viewed * d; i++) {
                views[(i / d * q + v) * d + i % d] = view.values()[i];
            }
        }
        return new Embeddings(wide(clean.values()), n, d, views, viewed, viewed == 0 ? 0 : q);
    }

    /** One augmented view of every image, in their order; its number is the epoch, so that each has its own chances. */
    private static LoaderConfig loading(Run run, int view) {
        RunConfig config = run.config();
        List<AugmentConfig> recipes = Recipes.of(config.augment(), run.method().views());
        return run.withThreads(new LoaderConfig(
                List.of(new Crops(config.data().imageSize(), List.of(recipes.get(view % recipes.size())))),
                config.probe().batchSize(), config.seed(), false, false, 1, config.data().ring(), view, 0, view + 1, 1, 0, 1,
                0));
    }

    private static double[] wide(float[] values) {
        return IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray();
    }
}
