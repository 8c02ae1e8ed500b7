package io.culvert.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.data.DefectCode;
import io.culvert.safetensors.SafetensorsFile;
import io.culvert.train.Checkpoint;
import io.culvert.train.Run;
import io.culvert.train.RunConfig;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class EmbedCommandTest {
    private static final int IMAGES = 5;

    @TempDir
    Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @BeforeEach
    void makeARun() throws IOException {
        String codes = Stream.of(DefectCode.values()).map(Enum::name).collect(Collectors.joining(","));
        StringBuilder csv = new StringBuilder("Filename," + codes + ",Defect\n");
        for (int i = 0; i < IMAGES; i++) {
            BufferedImage image = new BufferedImage(40, 32, BufferedImage.TYPE_INT_RGB);
            for (int p = 0; p < 40 * 32; p++) {
                image.setRGB(p % 40, p / 40, (p * 97 + i * i * 12345) & 0xffffff);
            }
            ImageIO.write(image, "png", folder.resolve(i + ".png").toFile());
            csv.append(i).append(".png,").append(i % 2)
                    .append(",0".repeat(DefectCode.values().length - 1)).append(',').append(i % 2).append('\n');
        }
        Files.writeString(folder.resolve("images.csv"), csv);
        Files.writeString(
                folder.resolve("config.resolved.yaml"),
                "data: {csv: %1$s/images.csv, images: %1$s, image_size: 32}%nprobe: {batch_size: 2}%n".formatted(folder));
        try (Run run = new Run(RunConfig.load(folder.resolve("config.resolved.yaml"), List.of()))) {
            Checkpoint.saveEncoder(folder.resolve("encoder.safetensors"), run.backbone(), 1, Map.of());
        }
    }

    private int embed(String file) {
        CommandLine commandLine = Main.commandLine();
        commandLine.setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
        return commandLine.execute(
                "embed", "--run", folder.toString(), "--csv", folder.resolve("images.csv").toString(), "--images",
                folder.toString(), "--out", folder.resolve(file).toString());
    }

    @Test
    void bothFormatsHoldTheSameRowsInTheOrderOfTheAnnotations() throws IOException {
        assertThat(embed("features.safetensors")).as("%s", err).isZero();
        assertThat(embed("features.csv")).as("%s", err).isZero();
        List<String> lines = Files.readAllLines(folder.resolve("features.csv"));
        assertThat(lines).hasSize(IMAGES + 1);
        assertThat(lines.getFirst()).startsWith("Filename,Defect,f0,f1,").endsWith(",f511");
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsFile file = SafetensorsFile.map(folder.resolve("features.safetensors"), arena);
            float[] embeddings = file.tensor("embeddings").toFloats();
            assertThat(file.tensor("embeddings").shape()).containsExactly((long) IMAGES, 512L);
            assertThat(file.tensor("labels").toLongs()).containsExactly(0, 1, 0, 1, 0);
            for (int row = 0; row < IMAGES; row++) {
                String[] cells = lines.get(row + 1).split(",");
                assertThat(cells[0]).isEqualTo(row + ".png");
                assertThat(cells[1]).isEqualTo(Integer.toString(row % 2));
                for (int i = 0; i < 512; i++) {
                    assertThat(Float.parseFloat(cells[i + 2])).isEqualTo(embeddings[row * 512 + i]);
                }
            }
            assertThat(embeddings[0]).as("different images differ").isNotEqualTo(embeddings[512]);
        }
    }

    @Test
    void anotherEndingIsRefusedBeforeAnythingIsEncoded() {
        assertThat(embed("features.npy")).isEqualTo(2);
        assertThat(err.toString()).contains("must end in .safetensors or .csv");
    }

    @Test
    void aRunThatHasNotEndedIsSaidToBeOne() throws IOException {
        Files.delete(folder.resolve("encoder.safetensors"));
        assertThat(embed("features.csv")).isEqualTo(3);
        assertThat(err.toString()).contains("the run has not ended");
    }
}
