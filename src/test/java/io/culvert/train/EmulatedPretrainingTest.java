package io.culvert.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.culvert.CulvertException;
import io.culvert.data.DefectCode;
import io.culvert.emulator.Emulator;
import io.culvert.emulator.TestEmulator;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A whole run on the emulator: views made by the GPU's kernels lead where views rendered by the host lead. */
class EmulatedPretrainingTest {
    private static final int STEPS = 2;

    /** Of the kernels launched, counted from 1. */
    private static final int IN_THE_THIRD_STEP = 320;

    @TempDir
    Path folder;

    @Test
    void augmentingOnTheDeviceChangesTheLossesByRoundingOnly() throws IOException {
        TestEmulator.assumeBuilt();
        writeImages(4 * STEPS);
        List<Double> host = losses("host");
        List<Double> device = losses("auto");
        assertThat(host).hasSize(STEPS);
        assertThat(device).hasSize(STEPS);
        for (int i = 0; i < STEPS; i++) {
            assertThat(device.get(i)).as("loss of step " + i).isCloseTo(host.get(i), Percentage.withPercentage(1e-2));
        }
        // Runs repeat bit for bit, so what differs was computed elsewhere.
        assertThat(device).as("auto is the device").isNotEqualTo(host);
        assertThat(Emulator.install().leaks()).as("not given back").isEmpty();
    }

    /** A kernel that fails in the third step: the error names it, the checkpoint of the second is whole, the run goes on. */
    @Test
    void aFailingDeviceLeavesTheLastCheckpoint() throws IOException {
        TestEmulator.assumeBuilt();
        writeImages(4 * 4);
        RunConfig config = config("auto");
        Emulator.install().failLaunch(IN_THE_THIRD_STEP);
        assertThatThrownBy(() -> Pretraining.run(config, RunFolder.Mode.FRESH))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining("cuLaunchKernel(")
                .satisfies(thrown -> assertThat(((CulvertException) thrown).kind()).isEqualTo(CulvertException.Kind.DEVICE));
        Path checkpoint = config.folder().resolve("checkpoint.safetensors");
        assertThat(Checkpoint.steps(checkpoint)).isEqualTo(2);

        Pretraining.run(config, RunFolder.Mode.RESUME);

        assertThat(Checkpoint.steps(checkpoint)).isEqualTo(4);
    }

    private List<Double> losses(String augmentOn) throws IOException {
        RunConfig config = config(augmentOn);
        Pretraining.run(config, RunFolder.Mode.FRESH);
        return MetricsLog.read(config.folder().resolve("metrics.jsonl")).stream()
                .filter(line -> line.get("loss") != null)
                .map(line -> line.get("loss").asDouble())
                .toList();
    }

    private RunConfig config(String augmentOn) throws IOException {
        Path file = folder.resolve(augmentOn + ".yaml");
        Files.writeString(
                file,
                """
                name: %2$s
                runs: %1$s/runs
                device: emulator
                batch_size: 4
                data: {csv: %1$s/images.csv, images: %1$s, image_size: 32, augment_on: %2$s}
                augment: {preset: simclr}
                method: {hidden: 32, dim: 16}
                schedule: {epochs: 1, warmup_epochs: 0}
                checkpoint: {every_steps: 2}
                log: {every_steps: 1}
                """
                        .formatted(folder, augmentOn));
        return RunConfig.load(file, List.of());
    }

    /** Noise, each image of another size. */
    private void writeImages(int images) throws IOException {
        SplittableRandom random = new SplittableRandom(1);
        String codes = Stream.of(DefectCode.values()).map(Enum::name).collect(Collectors.joining(","));
        StringBuilder csv = new StringBuilder("Filename,WaterLevel,VA," + codes + ",ND,Defect\n");
        for (int i = 0; i < images; i++) {
            BufferedImage image = new BufferedImage(41 + i, 53 - i, BufferedImage.TYPE_INT_RGB);
            for (int y = 0; y < image.getHeight(); y++) {
                for (int x = 0; x < image.getWidth(); x++) {
                    image.setRGB(x, y, random.nextInt(1 << 24));
                }
            }
            String name = "%08d.png".formatted(i);
            ImageIO.write(image, "png", folder.resolve(name).toFile());
            csv.append(name).append(",0,0").append(",0".repeat(DefectCode.values().length)).append(",1,0\n");
        }
        Files.writeString(folder.resolve("images.csv"), csv);
    }
}
