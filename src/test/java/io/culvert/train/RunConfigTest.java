package io.culvert.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.culvert.CulvertException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RunConfigTest {
    private static final List<String> DATA = List.of("data.csv=a.csv", "data.images=imgs");

    @TempDir
    Path folder;

    private Path file(String yaml) throws IOException {
        return Files.writeString(folder.resolve("my-run.yaml"), yaml);
    }

    @Test
    void anEmptyFileHasTheStudysSettings() throws IOException {
        RunConfig config = RunConfig.load(file("# nothing\n"), DATA);
        assertThat(config.name()).isEqualTo("my-run");
        assertThat(config.folder()).isEqualTo(Path.of("runs/my-run"));
        assertThat(config.method()).isEqualTo(new RunConfig.Method(
                "simclr", 0.2, 2048, 256, 0.0051, 0.024, 0.996, 0.999, 8192, "relu", false, false, 0, 0.1, 0.07, 0.04, 15, 0.9,
                0.75, true, 192, 12, 12, false));
        assertThat(config.schedule()).isEqualTo(new RunConfig.Schedule(45, 10, 0.15, 1e-6));
        assertThat(config.optim()).isEqualTo(new RunConfig.Optim(
                "lars", 0.3, true, 0.9, 0.999, 1e-6, OptionalDouble.empty(), true, OptionalDouble.empty(), 0.001, "barlow",
                false, OptionalDouble.empty(), "global", true, 0, 1));
        assertThat(config.data().defectShare()).isEmpty();
        assertThat(config.data().hasValidation()).isFalse();
    }

    @Test
    void theFileReplacesDefaultsAndOverridesReplaceTheFile() throws IOException {
        Path file =
                file("seed: 7\noptim: {lr: 0.1, name: sgd}\ndata:\n  csv: f.csv\n  images: dir\n  defect_share: .05\n");
        RunConfig config = RunConfig.load(
                file, List.of("optim.lr=1", "name=007", "data.csv=b.csv", "seed=1", "seed=8", "optim.nesterov=true"));
        assertThat(config.seed()).isEqualTo(8);
        assertThat(config.name()).isEqualTo("007");
        assertThat(config.data().csv()).isEqualTo(Path.of("b.csv"));
        assertThat(config.data().images()).isEqualTo(Path.of("dir"));
        assertThat(config.data().validationImages()).isEqualTo(Path.of("dir"));
        assertThat(config.data().defectShare()).isEqualTo(OptionalDouble.of(0.05));
        assertThat(config.optim()).isEqualTo(new RunConfig.Optim(
                "sgd", 1, true, 0.9, 0.999, 1e-6, OptionalDouble.empty(), true, OptionalDouble.empty(), 0.001, "barlow",
                true, OptionalDouble.empty(), "global", true, 0, 1));
    }

    @Test
    void passesPartTheBatchEvenly() throws IOException {
        Path file = file("batch_size: 96\ndata: {csv: a, images: b}");
        assertThat(RunConfig.load(file, List.of("optim.accumulate=4")).passSize()).isEqualTo(24);
        for (String passes : List.of("5", "96")) {
            assertThatThrownBy(() -> RunConfig.load(file, List.of("optim.accumulate=" + passes)))
                    .isInstanceOf(CulvertException.class)
                    .hasMessageContaining("optim.accumulate: " + passes + " passes do not part batch_size, 96,");
        }
    }

    @Test
    void learningRatesScaleWithTheBatch() throws IOException {
        RunConfig config = RunConfig.load(file("batch_size: 64\ndata: {csv: a, images: b}"), List.of());
        assertThat(config.peakLr()).isCloseTo(0.075, within(1e-12));
        assertThat(config.warmupStartLr()).isCloseTo(0.0375, within(1e-12));
        RunConfig unscaled = RunConfig.load(folder.resolve("my-run.yaml"), List.of("optim.scale_lr=false"));
        assertThat(unscaled.peakLr()).isEqualTo(0.3);
        assertThat(unscaled.warmupStartLr()).isEqualTo(0.15);
    }

    /** An override on top of a good file, and the whole message behind the file's name. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "optim.momemtum=1        | optim.momemtum: no such key; did you mean 'optim.momentum'?",
                "lr=1                    | lr: no such key; did you mean 'optim.lr'?",
                "temperature=1           | temperature: no such key; did you mean 'method.temperature'?",
                "sede=1                  | sede: no such key; did you mean 'seed'?",
                "modle.name=x            | modle: no such key; did you mean 'model'?",
                "checkpoint.qqqqqqqqqqq=1       | checkpoint.qqqqqqqqqqq: no such key; known here: every_steps",
                "seed=abc                | seed: expected a whole number, got 'abc'",
                "seed=1.5                | seed: expected a whole number, got '1.5'",
                "batch_size=99999999999  | batch_size: expected a whole number, got '99999999999'",
                "optim.lr=fast           | optim.lr: expected a number, got 'fast'",
                "optim.lr=.nan           | optim.lr: expected a number, got '.nan'",
                "optim.lr=0              | optim.lr: must be above 0, got 0.0",
                "optim.momentum=1.5      | optim.momentum: must be at most 1, got 1.5",
                "data.defect_share=-0.5  | data.defect_share: must be at least 0, got -0.5",
                "optim.nesterov=maybe    | optim.nesterov: expected true or false, got 'maybe'",
                "optim=3                 | optim: expected a section of keys, got '3'",
                "data.csv.x=3            | data.csv: expected a text (put it in quotes), got a section",
                "schedule.warmup_epochs=46 | schedule.warmup_epochs: 46 is more than schedule.epochs, 45",
                "name=a/b                | name: 'a/b' is no folder name; use letters, digits, '.', '_' and '-'",
            })
    void aWrongKeyOrValueIsNamed(String override, String message) throws IOException {
        Path file = file("data: {csv: a, images: b}");
        assertThatThrownBy(() -> RunConfig.load(file, List.of(override)))
                .isInstanceOfSatisfying(
                        CulvertException.class, e -> assertThat(e.kind()).isEqualTo(CulvertException.Kind.USAGE))
                .hasMessage(file + ": " + message);
    }

    @Test
    void aMissingKeySaysWhatItIs() throws IOException {
        Path file = file("seed: 1");
        assertThatThrownBy(() -> RunConfig.load(file, List.of()))
                .hasMessage(file + ": data.csv: must be given: annotations in Sewer-ML's CSV form");
    }

    @Test
    void anOverrideNeedsAnEqualsSign() throws IOException {
        Path file = file("");
        assertThatThrownBy(() -> RunConfig.load(file, List.of("seed")))
                .hasMessage("'seed': an override is key=value, as optim.lr=0.1");
    }

    @Test
    void aFileThatIsNoYamlNamesThePlace() throws IOException {
        Path broken = file("seed: 1\noptim: {lr: 1\n");
        assertThatThrownBy(() -> RunConfig.load(broken, List.of()))
                .isInstanceOf(CulvertException.class)
                .hasMessageStartingWith(broken + ":3:1: no valid YAML: ");
        Path twice = file("seed: 1\nseed: 2\n");
        assertThatThrownBy(() -> RunConfig.load(twice, List.of())).hasMessageContaining("no valid YAML");
        Path list = file("- 1\n");
        assertThatThrownBy(() -> RunConfig.load(list, List.of())).hasMessageContaining("expected 'key: value' lines");
        assertThatThrownBy(() -> RunConfig.load(folder.resolve("none.yaml"), List.of()))
                .isInstanceOfSatisfying(
                        CulvertException.class, e -> assertThat(e.kind()).isEqualTo(CulvertException.Kind.DATA));
    }

    @Test
    void theResolvedFileReadsBackToTheSameRun() throws IOException {
        RunConfig config = RunConfig.load(
                file("data: {csv: \"it's: #1.csv\", images: 'C:\\dir'}"),
                List.of("augment.hue=0.1", "optim.lr=1e-7", "data.defect_share=0.02", "name=other"));
        Path resolved = Files.writeString(folder.resolve("config.resolved.yaml"), config.toYaml());
        assertThat(RunConfig.load(resolved, List.of())).isEqualTo(config);
    }

    @Test
    void theReferenceFileIsCurrentAndHoldsTheDefaults() throws IOException {
        Path reference = Path.of("../configs/reference.yaml");
        assertThat(RunConfig.reference()).isEqualTo(Files.readString(reference));
        RunConfig defaults = RunConfig.load(file(""), DATA);
        assertThat(RunConfig.load(reference, List.of("data.csv=a.csv", "data.images=imgs", "name=my-run")))
                .isEqualTo(defaults);
    }

    @Test
    void theShippedConfigurationsLoad() {
        RunConfig study = RunConfig.load(Path.of("../configs/simclr-resnet18.yaml"), DATA);
        assertThat(study.name()).isEqualTo("simclr-resnet18");
        assertThat(study.peakLr()).isEqualTo(0.3);
        RunConfig demo = RunConfig.load(Path.of("../configs/demo.yaml"), List.of());
        assertThat(demo.folder()).isEqualTo(Path.of("runs/demo"));
        assertThat(demo.data().imageSize()).isEqualTo(64);
        for (String method : List.of("simclr", "barlow_twins", "byol", "dino", "supervised")) {
            for (String backbone : List.of("resnet18", "vit_tiny")) {
                String name = method + "-" + backbone;
                RunConfig config = RunConfig.load(Path.of("../configs/" + name + ".yaml"), DATA);
                assertThat(config.method().name()).as(name).isEqualTo(method);
                assertThat(config.model().name()).as(name).isEqualTo(backbone);
                assertThat(config.name()).isEqualTo(name);
            }
        }
        for (String method : List.of("simclr", "barlow_twins", "byol")) {
            RunConfig paper = RunConfig.load(Path.of("../configs/papers/" + method + "-resnet18.yaml"), DATA);
            assertThat(paper.method().name()).isEqualTo(method);
            assertThat(paper.name()).as("not the study's").isEqualTo(method + "-resnet18-paper");
        }
        for (String file : List.of("mae-vit_tiny", "papers/mae-vit_tiny")) {
            RunConfig mae = RunConfig.load(Path.of("../configs/" + file + ".yaml"), DATA);
            assertThat(mae.method().name()).isEqualTo("mae");
            assertThat(mae.model().name()).isEqualTo("vit_tiny");
            assertThat(mae.model().heads()).isEqualTo(3);
            assertThat(mae.method().asPublished()).isFalse();
        }
        RunConfig dino = RunConfig.load(Path.of("../configs/papers/dino-vit_tiny.yaml"), DATA);
        assertThat(dino.name()).isEqualTo("dino-vit_tiny-paper");
        assertThat(dino.method().localCrops()).isEqualTo(8);
        assertThat(dino.augment().preset()).isEqualTo("dino");
    }
}
