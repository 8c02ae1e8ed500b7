package io.culvert.train;

import io.culvert.CulvertException;
import io.culvert.data.Dataset;
import io.culvert.data.Feed;
import io.culvert.data.LoaderConfig;
import io.culvert.data.augment.PlainView;
import io.culvert.safetensors.SafetensorsWriter;
import io.culvert.safetensors.StoredTensor;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Images in, features of a run's frozen backbone out, in batches. */
public final class Encoding {
    private final Run run;
    private final Encoder encoder;

    Encoding(Run run) {
        this.run = run;
        RunConfig config = run.config();
        encoder = new Encoder(
                run.arena(), run.backbone(), config.probe().batchSize(), config.data().imageSize());
    }

    /**
     * Encodes images.
     *
     * @throws CulvertException (data) if the weights are not there
     */
    public static Features of(RunConfig config, EncoderFile weights, Dataset dataset) {
        weights.requireThere();
        try (Run run = new Run(config)) {
            Encoding encoding = new Encoding(run);
            weights.load(run.backbone());
            return encoding.features("encode", dataset);
        }
    }

    /** The features of all images, in their order, resized without augmentation. */
    Features features(String label, Dataset dataset) {
        RunConfig config = run.config();
        return features(label, dataset, run.withThreads(LoaderConfig.evaluation(
                PlainView.SEWER_ML, config.data().imageSize(), config.probe().batchSize())));
    }

    /** The features of one view of all images as the loader makes it, in their order. */
    Features features(String label, Dataset dataset, LoaderConfig loading) {
        float[] values = new float[Math.multiplyExact(dataset.size(), encoder.width())];
        try (Feed feed = run.feed(dataset, loading, List.of(encoder.pixels()));
                Progress progress = Progress.start(label, 0, feed.stepsPerEpoch())) {
            int row = 0;
            long waited = 0;
            for (int count = feed.next(); count > 0; count = feed.next()) {
                encoder.encode(count, values, row);
                row += count;
                progress.step(count, feed.waitNanos() - waited);
                waited = feed.waitNanos();
            }
        }
        return new Features(values, dataset.size(), encoder.width());
    }

    /**
     * Writes features atomically: {@code embeddings [n, d]}, and {@code labels [n]} (1 for a defect) where the images have
     * them.
     */
    public static void save(Path file, Features features, Dataset dataset, Map<String, String> metadata) {
        try (Arena arena = Arena.ofConfined()) {
            long rows = features.rows();
            List<StoredTensor> tensors = new ArrayList<>(List.of(
                    StoredTensor.floats(arena, "embeddings", List.of(rows, (long) features.width()), features.values())));
            if (dataset.labelled()) {
                long[] labels = dataset.samples().stream().mapToLong(sample -> sample.defective() ? 1 : 0).toArray();
                tensors.add(StoredTensor.longs(arena, "labels", List.of(rows), labels));
            }
            SafetensorsWriter.write(file, metadata, tensors);
        }
    }
}
