package io.culvert.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.culvert.CulvertException;
import io.culvert.data.Dataset;
import io.culvert.data.Sample;
import io.culvert.data.synth.SynthConfig;
import io.culvert.data.synth.SyntheticSewers;
import io.culvert.metric.Embeddings;
import io.culvert.metric.LabelFree;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An untrained ResNet-18 on pictures of 32 pixels: what is drawn and encoded, not how it scores. */
class LabelFreeScoresTest {
    private static final int IMAGES = 30;

    @TempDir
    static Path folder;

    private static EncoderFile encoder;
    private static Dataset train;

    @BeforeAll
    static void makePictures() {
        SynthConfig pictures = new SynthConfig(IMAGES, 2, 0.5, 64, 64, 1, SynthConfig.Format.PNG, false, 0.05, 1, 2);
        SyntheticSewers.write(folder, pictures, false, done -> {});
        train = Run.trainingData(config());
        encoder = EncoderFile.strict(folder.resolve("encoder.safetensors"));
        try (Run run = new Run(config())) {
            Checkpoint.saveEncoder(encoder.path(), run.backbone(), 1, Map.of());
        }
    }

    private static RunConfig config(String... more) {
        List<String> keys = new ArrayList<>(List.of(
                "data.csv=" + folder.resolve("SewerML_Train.csv"), "data.images=" + folder.resolve("train"),
                "data.image_size=32", "device=cpu", "threads=1", "probe.batch_size=7", "probe.scores_images=25",
                "probe.scores_viewed=22", "probe.scores_views=2"));
        keys.addAll(List.of(more));
        return RunConfig.load(Path.of("..", "configs", "demo-emulator.yaml"), keys);
    }

    private static List<LabelFree.Reading> scores(String... more) {
        return LabelFreeScores.of(config(more), encoder, train);
    }

    @Test
    void allScoresRepeat() {
        List<LabelFree.Reading> scores = scores();
        assertThat(scores).extracting(LabelFree.Reading::score).containsExactly(LabelFree.values());
        assertThat(scores).allMatch(LabelFree.Reading::defined);
        assertThat(scores("data.loader_threads=1")).isEqualTo(scores);
        assertThat(scores("seed=7").getFirst().value()).isNotEqualTo(scores.getFirst().value());
    }

    @Test
    void labelsAreNotLookedAt() {
        Dataset unlabelled = new Dataset(train.images(), train.samples().stream()
                .map(sample -> new Sample(sample.file(), 0, false)).toList());
        assertThat(LabelFreeScores.of(config(), encoder, unlabelled)).isEqualTo(scores());
    }

    @Test
    void viewsAreOfTheFirstImagesAndEachIsAnother() {
        try (Run weak = new Run(config("augment.jitter=0", "augment.flip=0", "augment.scale_min=0.98", "augment.scale_max=1"));
                Run strong = new Run(config())) {
            Embeddings near = LabelFreeScores.embeddings(weak, new Encoding(weak), "weak", train);
            Embeddings far = LabelFreeScores.embeddings(strong, new Encoding(strong), "strong", train);
            assertThat(new int[] {far.images(), far.width(), far.viewed(), far.views()}).containsExactly(25, 512, 22, 2);
            // Hardly augmented views of an image differ, but by less than augmented ones; those of another image would
            // not tell the two apart.
            double alignment = LabelFree.ALIGNMENT.of(near);
            assertThat(alignment).isPositive().isLessThan(LabelFree.ALIGNMENT.of(far) / 2);
        }
    }

    @Test
    void nothingIsEncodedInVain() {
        assertThat(scores("probe.scores_images=0")).isEmpty();
        for (String key : List.of("probe.scores_views=0", "probe.scores_viewed=0")) {
            List<LabelFree> undefined =
                    scores(key).stream().filter(s -> !s.defined()).map(LabelFree.Reading::score).toList();
            assertThat(undefined).containsExactly(LabelFree.LIDAR, LabelFree.ALIGNMENT, LabelFree.TAIL_AGREEMENT,
                    LabelFree.OUTLYINGNESS_AGREEMENT, LabelFree.OUTLIER_STABILITY);
        }
        assertThat(Arrays.stream(LabelFree.values()).map(LabelFree::key)).doesNotHaveDuplicates();
        assertThatThrownBy(() -> LabelFreeScores.of(config(), EncoderFile.strict(folder.resolve("none")), train))
                .isInstanceOf(CulvertException.class).hasMessageContaining("not there");
    }
}
