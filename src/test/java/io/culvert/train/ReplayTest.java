package io.culvert.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.culvert.CulvertException;
import io.culvert.cli.Main;
import io.culvert.data.DefectCode;
import io.culvert.emulator.TestEmulator;
import io.culvert.tensor.Parameter;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A run that diverges leaves its step behind, and the step tells where NaN or infinity began. */
class ReplayTest {
    private static final int IMAGES = 20;

    @TempDir
    Path folder;

    @BeforeEach
    void writeImages() throws IOException {
        SplittableRandom random = new SplittableRandom(3);
        String codes = Stream.of(DefectCode.values()).map(Enum::name).collect(Collectors.joining(","));
        StringBuilder csv = new StringBuilder("Filename,WaterLevel,VA," + codes + ",ND,Defect\n");
        for (int i = 0; i < IMAGES; i++) {
            BufferedImage image = new BufferedImage(40, 40, BufferedImage.TYPE_INT_RGB);
            for (int p = 0; p < 1600; p++) {
                image.setRGB(p % 40, p / 40, random.nextInt(1 << 24));
            }
            String name = "%08d.png".formatted(i);
            ImageIO.write(image, "png", folder.resolve(name).toFile());
            int defect = i % 4 == 0 ? 1 : 0;
            csv.append(name).append(",0,0,").append(defect).append(",0".repeat(DefectCode.values().length - 1))
                    .append(',').append(1 - defect).append(',').append(defect).append('\n');
        }
        Files.writeString(folder.resolve("images.csv"), csv);
    }

    private RunConfig config(String... overrides) throws IOException {
        Path file = folder.resolve("run.yaml");
        Files.writeString(
                file,
                """
                runs: %1$s/runs
                batch_size: 5
                data: {csv: %1$s/images.csv, images: %1$s, image_size: 32}
                method: {hidden: 32, dim: 16}
                schedule: {epochs: 30, warmup_epochs: 0}
                log: {every_steps: 1}
                """
                        .formatted(folder));
        return RunConfig.load(file, List.of(overrides));
    }

    @ParameterizedTest
    @ValueSource(strings = {"simclr", "byol", "supervised"})
    void aRunWithAHugeRateLeavesItsStep(String method) throws IOException {
        RunConfig config = config("optim.name=sgd", "optim.lr=1e30", "optim.scale_lr=false", "method.name=" + method);
        CulvertException thrown = catchThrowableOfType(
                CulvertException.class, () -> Pretraining.run(config, RunFolder.Mode.FRESH));
        Path file = config.folder().resolve("diverged.safetensors");
        assertThat(thrown.kind()).isEqualTo(CulvertException.Kind.DIVERGED);
        assertThat(thrown).hasMessageContaining(file.toString()).hasMessageContaining("culvert replay " + config.folder());
        assertThat(thrown.getMessage().lines()).hasSize(1);

        Replay replay = Replay.of(config.folder(), List.of());

        assertThat(thrown).hasMessageContaining("step " + replay.step() + " is " + replay.loss());
        assertThat(replay.inputs()).allMatch(line -> line.values().isFinite());
        assertThat(replay.isFinite()).isFalse();
        assertThat(replay.firstBroken()).isNotNegative();
        String op = replay.forward().get(replay.firstBroken()).name();
        assertThat(replay.verdict()).startsWith("it began in " + op + " (");
        assertThat(replay.forward().subList(0, replay.firstBroken())).allMatch(line -> line.values().isFinite());
        assertThat(Main.run("replay", config.folder().toString())).isEqualTo(5);
        assertThat(Main.run("replay", file.toString(), "--all", "--device", "cpu")).isEqualTo(5);
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "emulator"})
    void aBrokenWeightIsNamed(String device) throws IOException {
        if (device.equals("emulator")) {
            TestEmulator.assumeBuilt();
        }
        RunConfig config = config("device=" + device, "name=broken");
        Path file = folder.resolve("broken.safetensors");
        float lossBefore;
        List<String> before;
        try (Run run = new Run(config, new Run.Plan(4, 4, 3, true))) {
            Trainer trainer = run.trainer(4);
            trainer.probe().orElseThrow().labels().set(1, 0, 0, 0, 1, 1, 0, 0, 0, 1);
            lossBefore = trainer.step(views(run, 1));
            Parameter weight = named(run, "layer2.1.conv1.weight");
            float[] values = weight.value().toFloats();
            values[17] = Float.NaN;
            weight.value().set(values);
            run.store().valuesChanged();
            before = statistics(run);
            assertThatThrownBy(() -> trainer.step(views(run, 2)))
                    .isInstanceOf(CulvertException.class)
                    .hasMessageContaining("the loss of step 1 is NaN");
            assertThat(statistics(run)).as("running statistics are as before the step").isEqualTo(before);
            Map<String, String> metadata = new TreeMap<>(run.plan().metadata());
            metadata.put("config", config.toYaml());
            DivergedStep.keep(file, run, trainer, metadata);
        }
        assertThat(lossBefore).isFinite();

        Replay replay = Replay.of(file, List.of());

        assertThat(replay.step()).isEqualTo(1);
        assertThat(replay.forward().get(replay.firstBroken()).name()).isEqualTo("layer2.1.conv1");
        assertThat(replay.verdict())
                .startsWith("it began in layer2.1.conv1 (Conv2d), operation ")
                .endsWith("its layer2.1.conv1.weight held 1 NaN and 0 infinities before the step");
    }

    /** What the step comes to in a replay is what it came to in the run, to the last bit. */
    @Test
    void aFiniteStepRepeatsItsLoss() throws IOException {
        RunConfig config = config("name=finite", "method.name=byol");
        Path file = folder.resolve("finite.safetensors");
        float loss;
        try (Run run = new Run(config, new Run.Plan(4, 4, 3, true))) {
            Trainer trainer = run.trainer(4);
            trainer.probe().orElseThrow().labels().set(1, 0, 0, 0, 1, 1, 0, 0, 0, 1);
            trainer.step(views(run, 1));
            trainer.pixels().getFirst().feed(views(run, 2));
            Map<String, String> metadata = new TreeMap<>(run.plan().metadata());
            metadata.put("config", config.toYaml());
            DivergedStep.keep(file, run, trainer, metadata);
            loss = trainer.step();
        }
        Replay replay = Replay.of(file, List.of());
        assertThat(replay.loss()).isEqualTo(loss);
        assertThat(replay.isFinite()).isTrue();
        assertThat(replay.gradients()).filteredOn(line -> line.name().equals("conv1.weight"))
                .allSatisfy(line -> assertThat(line.values().std()).isPositive());
        assertThat(Main.run("replay", file.toString())).isZero();
    }

    @Test
    void aRunThatDidNotDivergeHasNothingToReplay() throws IOException {
        RunConfig config = config();
        assertThatThrownBy(() -> Replay.of(config.folder(), List.of()))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining("only a run that diverged leaves one");
    }

    private static List<String> statistics(Run run) {
        return run.store().buffers().values().stream().map(buffer -> Arrays.toString(buffer.toFloats())).toList();
    }

    private static Parameter named(Run run, String name) {
        return run.store().parameters().stream().filter(p -> p.name().equals(name)).findFirst().orElseThrow();
    }

    private static MemorySegment views(Run run, int seed) {
        int count = 2 * 5 * 32 * 32 * 3;
        MemorySegment views = run.arena().hostMemory(4L * count);
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < count; i++) {
            views.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
        }
        return views;
    }
}
