package io.culvert.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.culvert.CulvertException;
import io.culvert.data.DefectCode;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Kills a run and resumes it: the last checkpoint must equal an undisturbed run's, byte for byte. */
@Execution(ExecutionMode.CONCURRENT)
class ResumeTest {
    private static final int IMAGES = 20;

    @TempDir
    Path folder;

    private String method = "simclr";
    private List<String> recipe = List.of();

    @ParameterizedTest
    @ValueSource(strings = {"simclr", "barlow_twins", "byol", "dino", "mae", "supervised"})
    void aKilledRunResumesBitForBit(String trained) throws IOException, InterruptedException {
        method = trained;
        resumesBitForBit();
    }

    /** Nine steps of three passes; the two images that fill no step are left out of each epoch. */
    @Test
    void aKilledRunOfManyRulesResumesBitForBit() throws IOException, InterruptedException {
        recipe = List.of("batch_size=6", "optim.name=adamw", "optim.accumulate=3", "optim.clip=0.5", "optim.clip_by=tensor",
                "optim.clip_heads=false", "optim.final_weight_decay=0.4", "optim.decay_vectors=false",
                "optim.vector_lr=0.01", "checkpoint.every_steps=2", "optim.lr=0.02", "method.name=byol");
        resumesBitForBit();
        assertThat(MetricsLog.read(folder.resolve("runs/whole/metrics.jsonl")).get(3).get("clipped_norm").doubleValue())
                .isPositive();
    }

    private void resumesBitForBit() throws IOException, InterruptedException {
        writeImages();
        Pretraining.run(config("whole"), RunFolder.Mode.FRESH);
        RunConfig killed = config("killed");
        Path metrics = killed.folder().resolve("metrics.jsonl");
        Process process = start("killed");
        long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(2);
        while (!(Files.exists(metrics) && MetricsLog.read(metrics).size() >= 4) && System.nanoTime() < deadline) {
            assertThat(process.isAlive()).as("the run ended before it could be killed").isTrue();
            TimeUnit.MILLISECONDS.sleep(5);
        }
        process.destroyForcibly().waitFor();
        int done = Checkpoint.steps(killed.folder().resolve("checkpoint.safetensors"));
        assertThat(done).isBetween(2, 11);

        Pretraining.run(killed, RunFolder.Mode.RESUME);

        Path whole = folder.resolve("runs/whole");
        assertThat(tensors(killed.folder().resolve("encoder.safetensors")))
                .isEqualTo(tensors(whole.resolve("encoder.safetensors")));
        assertThat(tensors(killed.folder().resolve("checkpoint.safetensors")))
                .isEqualTo(tensors(whole.resolve("checkpoint.safetensors")));
        assertThat(losses(metrics)).isEqualTo(losses(whole.resolve("metrics.jsonl")));
    }

    @Test
    void refusesToResumeAnotherConfiguration() throws IOException {
        writeImages();
        RunConfig config = config("other", "schedule.epochs=1");
        Pretraining.run(config, RunFolder.Mode.FRESH);
        assertThatThrownBy(() -> Pretraining.run(config("other", "method.temperature=0.7"), RunFolder.Mode.RESUME))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining("temperature: 0.2")
                .hasMessageContaining("temperature: 0.7");
    }

    private Process start(String name) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--add-modules",
                "jdk.incubator.vector",
                "-cp",
                System.getProperty("java.class.path"),
                "io.culvert.cli.Main",
                "pretrain",
                "--config",
                configFile().toString(),
                "name=" + name));
        command.addAll(recipe);
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve(name + ".log").toFile())
                .start();
    }

    /** The file without its metadata, which names the run. */
    private static byte[] tensors(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        long header = ByteBuffer.wrap(bytes)
                .order(ByteOrder.LITTLE_ENDIAN)
                .getLong();
        return Arrays.copyOfRange(bytes, Math.toIntExact(8 + header), bytes.length);
    }

    private static List<String> losses(Path metrics) {
        return MetricsLog.read(metrics).stream()
                .map(line -> line.get("step") + " " + line.get("loss") + " " + line.get("lr"))
                .toList();
    }

    private Path configFile() throws IOException {
        Path file = folder.resolve("run.yaml");
        Files.writeString(
                file,
                """
                runs: %1$s/runs
                batch_size: 5
                data: {csv: %1$s/images.csv, images: %1$s, image_size: 32, local_size: 16}
                model: {name: %3$s, patch: 8}
                method: {name: %2$s, hidden: 32, dim: 16, prototypes: 50, local_crops: 2, teacher_temperature_epochs: 2,
                         decoder_depth: 1, decoder_dim: 32, decoder_heads: 2}
                schedule: {epochs: 3, warmup_epochs: 1}
                checkpoint: {every_steps: 2}
                log: {every_steps: 1}
                """
                        .formatted(folder, method, method.equals("mae") ? "vit_tiny" : "resnet18"));
        return file;
    }

    private RunConfig config(String name, String... overrides) throws IOException {
        List<String> all = Stream.of(List.of("name=" + name), recipe, List.of(overrides))
                .flatMap(List::stream)
                .toList();
        return RunConfig.load(configFile(), all);
    }

    private void writeImages() throws IOException {
        SplittableRandom random = new SplittableRandom(1);
        String codes = Stream.of(DefectCode.values()).map(Enum::name).collect(Collectors.joining(","));
        StringBuilder csv = new StringBuilder("Filename,WaterLevel,VA," + codes + ",ND,Defect\n");
        for (int i = 0; i < IMAGES; i++) {
            BufferedImage image = new BufferedImage(48, 40, BufferedImage.TYPE_INT_RGB);
            for (int p = 0; p < 48 * 40; p++) {
                image.setRGB(p % 48, p / 48, random.nextInt(1 << 24));
            }
            String name = "%08d.png".formatted(i);
            ImageIO.write(image, "png", folder.resolve(name).toFile());
            boolean defect = i % 3 == 0;
            csv.append(name).append(",0,0").append(defect ? ",1" : ",0")
                    .append(",0".repeat(DefectCode.values().length - 1)).append(defect ? ",0,1\n" : ",1,0\n");
        }
        Files.writeString(folder.resolve("images.csv"), csv);
    }
}
