package io.culvert.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.culvert.CulvertException;
import io.culvert.data.NearDuplicates.Report;
import io.culvert.data.synth.SynthConfig;
import io.culvert.data.synth.SyntheticSewers;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.FileImageOutputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NearDuplicatesTest {
    private static final int PICTURES = 120;

    @TempDir
    static Path set;

    @TempDir
    Path folder;

    private static Dataset originals;
    private static Fingerprints prints;

    @BeforeAll
    static void draw() {
        SynthConfig config =
                new SynthConfig(PICTURES, 0, 0.5, 176, 144, 21, SynthConfig.Format.JPG, false, 1, 1, 2);
        SyntheticSewers.write(set, config, true, done -> {});
        originals = SewerMlCsv.read(set.resolve("SewerML_Train.csv"), set.resolve("train"));
        prints = Fingerprints.of(originals, 2, done -> {});
    }

    private static Dataset dataset(Path folder, List<String> names) {
        return new Dataset(folder, names.stream().map(name -> new Sample(name, 0, true)).toList());
    }

    /** Edits some pictures into the folder and compares them with the originals. */
    private Report between(int count, Edit edit) throws IOException {
        List<String> names = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            names.add(edit.write(ImageIO.read(originals.path(i).toFile()), folder.resolve("copy" + i)).getFileName()
                    .toString());
        }
        Fingerprints copies = Fingerprints.of(dataset(folder, names), 2, done -> {});
        Report report = NearDuplicates.between(prints, copies, NearDuplicates.DISTANCE, 1000);
        // Each with its own original and no other.
        for (NearDuplicates.Pair pair : report.pairs()) {
            String copy = Path.of(pair.second()).getFileName().toString().replaceAll("\\D", "");
            assertThat(pair.first()).isEqualTo(originals.path(Integer.parseInt(copy)).toString());
        }
        return report;
    }

    private interface Edit {
        Path write(BufferedImage image, Path stem) throws IOException;
    }

    private static Path jpeg(BufferedImage image, Path stem, float quality) throws IOException {
        Path file = stem.resolveSibling(stem.getFileName() + ".jpg");
        ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
        ImageWriteParam parameters = writer.getDefaultWriteParam();
        parameters.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
        parameters.setCompressionQuality(quality);
        try (FileImageOutputStream stream = new FileImageOutputStream(file.toFile())) {
            writer.setOutput(stream);
            writer.write(null, new IIOImage(image, null, null), parameters);
        }
        writer.dispose();
        return file;
    }

    private static BufferedImage brighter(BufferedImage image, int by) {
        BufferedImage result = new BufferedImage(image.getWidth(), image.getHeight(), BufferedImage.TYPE_3BYTE_BGR);
        int[] values = image.getRaster().getPixels(0, 0, image.getWidth(), image.getHeight(), (int[]) null);
        for (int i = 0; i < values.length; i++) {
            values[i] = Math.clamp(values[i] + by, 0, 255);
        }
        result.getRaster().setPixels(0, 0, image.getWidth(), image.getHeight(), values);
        return result;
    }

    @Test
    void differentPicturesDoNotLookAlike() {
        Report report = NearDuplicates.within(prints, NearDuplicates.DISTANCE, 10, "");
        assertThat(report.pairs()).isEmpty();
        assertThat(report).isEqualTo(new Report(0, 0, 0, List.of()));
        assertThat(report.ok()).isTrue();
    }

    @Test
    void copiesOfTheFileOrOfThePixelsAreExact() throws IOException {
        Report files = between(10, (image, stem) -> Files.copy(
                originals.path(Integer.parseInt(stem.getFileName().toString().substring(4))),
                stem.resolveSibling(stem.getFileName() + ".jpg")));
        assertThat(files.exact()).isEqualTo(10);
        assertThat(files.near()).isZero();
        assertThat(files.pictures()).isEqualTo(10);
        assertThat(files.pairs().getFirst().toString()).endsWith("copy0.jpg have the same pixels");
    }

    @Test
    void picturesStoredAnewLookAlike() throws IOException {
        Report report = between(40, (image, stem) -> jpeg(image, stem, 0.5f));
        assertThat(report.exact()).isZero();
        assertThat(report.near()).isEqualTo(40);
        assertThat(report.pairs().getFirst().toString()).contains("look alike").contains("of 64 bits differ");
    }

    @Test
    void picturesMadeBrighterLookAlike() throws IOException {
        Report report = between(40, (image, stem) -> jpeg(brighter(image, 20), stem, 0.9f));
        assertThat(report.exact()).isZero();
        // Where much is clipped, a brighter picture is another one.
        assertThat(report.near()).isBetween(36L, 40L);
    }

    @Test
    void pairsWithinOneSetCountOnceAndExactOnesComeFirst() throws IOException {
        Files.copy(originals.path(3), folder.resolve("a_1.jpg"));
        Files.copy(originals.path(3), folder.resolve("b_1.jpg"));
        jpeg(ImageIO.read(originals.path(3).toFile()), folder.resolve("a_0"), 0.6f);
        Files.copy(originals.path(4), folder.resolve("c_1.jpg"));
        Dataset dataset = dataset(folder, List.of("a_0.jpg", "a_1.jpg", "b_1.jpg", "c_1.jpg"));
        Fingerprints four = Fingerprints.of(dataset, 1, done -> {});
        Report report = NearDuplicates.within(four, 6, 2, "");
        assertThat(report.exact()).isEqualTo(1);
        assertThat(report.near()).isEqualTo(2);
        assertThat(report.pictures()).isEqualTo(3);
        assertThat(report.pairs()).hasSize(2);
        assertThat(report.pairs().getFirst().second()).endsWith("b_1.jpg");
        assertThat(report.pairs().getFirst().exact()).isTrue();
        Report grouped = NearDuplicates.within(four, 6, 2, "(.)_");
        assertThat(grouped.exact()).isEqualTo(1);
        assertThat(grouped.near()).isEqualTo(1);
    }

    /** The tables by parts find what comparing all pairs finds, at every distance. */
    @Test
    void findsTheSamePairsAsALoopOverAll() {
        Random random = new Random(5);
        long[] hashes = new long[400];
        for (int i = 0; i < hashes.length; i++) {
            hashes[i] = i < 200 ? random.nextLong() : hashes[i - 200];
            for (int flips = i < 200 ? 0 : random.nextInt(20); flips > 0; flips--) {
                hashes[i] ^= 1L << random.nextInt(64);
            }
        }
        Dataset names = dataset(folder, IntStream.range(0, 400).mapToObj(Integer::toString).toList());
        Fingerprints pictures = new Fingerprints(names);
        IntStream.range(0, 400).forEach(i -> pictures.set(i, i, hashes[i]));
        for (int distance = 0; distance <= 15; distance++) {
            int wanted = 0;
            for (int i = 0; i < 400; i++) {
                for (int j = 0; j < i; j++) {
                    wanted += Long.bitCount(hashes[i] ^ hashes[j]) <= distance ? 1 : 0;
                }
            }
            assertThat(NearDuplicates.within(pictures, distance, 5, "").near()).isEqualTo(wanted).isPositive();
            assertThat(NearDuplicates.between(pictures, pictures, distance, 5).near()).isEqualTo(wanted);
        }
    }

    @Test
    void picturesOfAnySizeHaveAHash() throws IOException {
        for (int[] size : new int[][] {{16, 16}, {33, 31}, {1, 1}, {197, 5}, {5, 1000}}) {
            BufferedImage image = new BufferedImage(size[0], size[1], BufferedImage.TYPE_3BYTE_BGR);
            image.setRGB(0, 0, 0xffffff);
            ImageIO.write(image, "png", folder.resolve(size[0] + ".png").toFile());
        }
        Dataset dataset = dataset(folder, List.of("16.png", "33.png", "1.png", "197.png", "5.png"));
        assertThat(Fingerprints.of(dataset, 2, done -> {}).known()).hasSize(5);
    }

    @Test
    void saysWhatItCannotCompare() {
        assertThatThrownBy(() -> NearDuplicates.within(prints, 16, 1, "")).isInstanceOf(CulvertException.class)
                .hasMessageContaining("0 to 15 of 64 bits, got 16");
        Dataset missing = dataset(folder, List.of("none.png"));
        assertThatThrownBy(() -> Fingerprints.of(missing, 2, done -> {})).isInstanceOf(CulvertException.class)
                .hasMessageContaining("none.png does not exist");
    }
}
