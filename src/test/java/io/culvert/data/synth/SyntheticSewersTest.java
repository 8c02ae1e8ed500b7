package io.culvert.data.synth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.culvert.CulvertException;
import io.culvert.data.Dataset;
import io.culvert.data.DefectCode;
import io.culvert.data.Groups;
import io.culvert.data.Sample;
import io.culvert.data.SewerMlCsv;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SyntheticSewersTest {
    @TempDir
    Path folder;

    private static SynthConfig config(int train, int val, int threads, SynthConfig.Format format) {
        return new SynthConfig(train, val, 0.5, 61, 47, 3, format, true, 1, 1, threads);
    }

    private static Map<String, byte[]> files(Path root) throws IOException {
        Map<String, byte[]> files = new TreeMap<>();
        try (Stream<Path> entries = Files.walk(root)) {
            for (Path entry : entries.filter(Files::isRegularFile).toList()) {
                files.put(root.relativize(entry).toString(), Files.readAllBytes(entry));
            }
        }
        return files;
    }

    @Test
    void threadsChangeNoByte() throws IOException {
        SyntheticSewers.write(folder.resolve("one"), config(9, 4, 1, SynthConfig.Format.JPG), false, done -> {});
        SyntheticSewers.write(folder.resolve("four"), config(9, 4, 4, SynthConfig.Format.JPG), false, done -> {});
        assertThat(files(folder.resolve("four"))).containsExactlyEntriesOf(files(folder.resolve("one")));
    }

    /** Damaged surfaces are drawn with noise that holds state: many of them at once. */
    @Test
    void threadsChangeNoByteOfDamagedSurfaces() throws IOException {
        for (int threads : new int[] {1, 4}) {
            SynthConfig pictures = new SynthConfig(48, 1, 0.9, 88, 72, 1, SynthConfig.Format.PNG, false, 0.05, 1, threads);
            SyntheticSewers.write(folder.resolve(threads + " threads"), pictures, false, done -> {});
        }
        assertThat(files(folder.resolve("4 threads"))).containsExactlyEntriesOf(files(folder.resolve("1 threads")));
    }

    @Test
    void readsAsSewerMl() throws IOException {
        Path out = folder.resolve("set");
        SyntheticSewers.write(out, config(9, 4, 2, SynthConfig.Format.PNG), false, done -> {});
        assertThat(Files.readAllLines(out.resolve("SewerML_Train.csv")).getFirst())
                .isEqualTo("Filename,WaterLevel,VA,RB,OB,PF,DE,FS,IS,RO,IN,AF,BE,FO,GR,PH,PB,OS,OP,OK,ND,Defect");
        Dataset train = SewerMlCsv.read(out.resolve("SewerML_Train.csv"), out.resolve("train"));
        Dataset val = SewerMlCsv.read(out.resolve("SewerML_Val.csv"), out.resolve("valid"));
        assertThat(train.size()).isEqualTo(9);
        assertThat(val.samples()).extracting(Sample::file).first().isEqualTo("00000010.png");
        for (Dataset split : List.of(train, val)) {
            for (int i = 0; i < split.size(); i++) {
                BufferedImage image = ImageIO.read(split.path(i).toFile());
                assertThat(image.getWidth()).isEqualTo(61);
                assertThat(image.getHeight()).isEqualTo(47);
            }
        }
    }

    @Test
    void masksHoldOnlyAnnotatedCodes() throws IOException {
        Path out = folder.resolve("set");
        SyntheticSewers.write(out, config(16, 0, 2, SynthConfig.Format.JPG), false, done -> {});
        int marked = 0;
        for (Sample sample : SewerMlCsv.read(out.resolve("SewerML_Train.csv"), out.resolve("train"))
                .samples()) {
            Path mask = out.resolve("masks/train").resolve(sample.file().replace(".jpg", ".png"));
            BufferedImage image = ImageIO.read(mask.toFile());
            for (int grey : image.getRaster().getPixels(0, 0, 61, 47, (int[]) null)) {
                if (grey != 0) {
                    assertThat(sample.has(DefectCode.values()[grey - 1])).isTrue();
                    marked++;
                }
            }
        }
        assertThat(marked).isPositive();
    }

    @Test
    void aLargerSetBeginsWithTheSmaller() throws IOException {
        SyntheticSewers.write(folder.resolve("small"), config(3, 0, 1, SynthConfig.Format.JPG), false, done -> {});
        SyntheticSewers.write(folder.resolve("large"), config(6, 2, 1, SynthConfig.Format.JPG), false, done -> {});
        assertThat(folder.resolve("large/train/00000003.jpg"))
                .hasSameBinaryContentAs(folder.resolve("small/train/00000003.jpg"));
    }

    @Test
    void framesOfAPipeAreNeighboursAndNoPipeCrossesTheSplits() throws IOException {
        SynthConfig config =
                new SynthConfig(22, 12, 0.5, 88, 72, 3, SynthConfig.Format.PNG, false, 1, 1, 2, 4);
        SyntheticSewers.write(folder, config, false, done -> {});
        Dataset train = SewerMlCsv.read(folder.resolve("SewerML_Train.csv"), folder.resolve("train"));
        Dataset val = SewerMlCsv.read(folder.resolve("SewerML_Val.csv"), folder.resolve("valid"));
        assertThat(train.get(0).file()).isEqualTo("p000001_001.png");
        assertThat(train.get(21).file()).isEqualTo("p000006_002.png");
        assertThat(val.get(0).file()).isEqualTo("p000007_001.png");
        Groups pipes = Groups.of("(p\\d+)_", train.samples());
        assertThat(pipes.names()).hasSize(6);
        assertThat(pipes.sharedWith(Groups.of("(p\\d+)_", val.samples()))).isEmpty();
        double within = 0;
        double between = 0;
        for (int i = 0; i < 16; i += 4) {
            assertThat(train.get(i + 3).codes()).isEqualTo(train.get(i).codes());
            double neighbours = difference(train.path(i), train.path(i + 1));
            assertThat(neighbours).isPositive();
            within += neighbours;
            between += difference(train.path(i), train.path(i + 4));
        }
        assertThat(within).isLessThan(between / 3);
        assertThat(Files.readString(folder.resolve("generator.json"))).contains("\"frames_per_pipe\" : 4");
        SyntheticSewers.write(folder, config(1, 1, 1, SynthConfig.Format.PNG), true, done -> {});
        assertThat(files(folder).keySet()).noneMatch(name -> name.contains("p0000"));
    }

    /** Mean absolute difference of the pixels. */
    private static double difference(Path one, Path other) throws IOException {
        int[] a = ImageIO.read(one.toFile()).getRaster().getPixels(0, 0, 88, 72, (int[]) null);
        int[] b = ImageIO.read(other.toFile()).getRaster().getPixels(0, 0, 88, 72, (int[]) null);
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += Math.abs(a[i] - b[i]);
        }
        return sum / a.length;
    }

    /** A checksum of the pictures that the generator drew before it could draw several frames of a pipe. */
    @Test
    void onePictureAPipeIsWhatItEverWas() throws IOException {
        SyntheticSewers.write(folder, config(24, 4, 2, SynthConfig.Format.PNG), false, done -> {});
        CRC32 sum = new CRC32();
        for (Map.Entry<String, byte[]> file : files(folder).entrySet()) {
            sum.update(file.getKey().getBytes(StandardCharsets.UTF_8));
            if (file.getKey().endsWith(".png")) {
                BufferedImage image = ImageIO.read(folder.resolve(file.getKey()).toFile());
                for (int value : image.getRaster().getPixels(0, 0, 61, 47, (int[]) null)) {
                    sum.update(value);
                }
            } else {
                sum.update(file.getValue());
            }
        }
        assertThat(sum.getValue()).isEqualTo(3_902_019_952L);
    }

    @Test
    void refusesAFolderInUse() throws IOException {
        Path note = Files.writeString(folder.resolve("notes.txt"), "mine");
        SynthConfig config = config(3, 1, 1, SynthConfig.Format.JPG);
        assertThatThrownBy(() -> SyntheticSewers.write(folder, config, false, done -> {}))
                .isInstanceOfSatisfying(
                        CulvertException.class, e -> assertThat(e.kind()).isEqualTo(CulvertException.Kind.USAGE))
                .hasMessageContaining(folder.toString())
                .hasMessageContaining("--overwrite");
        assertThat(files(folder)).containsOnlyKeys("notes.txt");
        assertThat(note).hasContent("mine");
    }

    @Test
    void overwritingLeavesNoPictureOfTheEarlierSet() throws IOException {
        SyntheticSewers.write(folder, config(5, 2, 1, SynthConfig.Format.JPG), false, done -> {});
        Path note = Files.writeString(folder.resolve("train/notes.txt"), "mine");
        SyntheticSewers.write(folder, config(2, 1, 1, SynthConfig.Format.PNG), true, done -> {});
        assertThat(files(folder).keySet())
                .containsExactlyInAnyOrder(
                        "README.txt",
                        "SewerML_Train.csv",
                        "SewerML_Val.csv",
                        "generator.json",
                        "masks/train/00000001.png",
                        "masks/train/00000002.png",
                        "masks/valid/00000003.png",
                        "train/00000001.png",
                        "train/00000002.png",
                        "train/notes.txt",
                        "valid/00000003.png");
        assertThat(note).hasContent("mine");
    }

    @Test
    void keepsTheShareOfDefectsInEveryPrefix() {
        SceneFactory factory = new SceneFactory(8, 0.05, 1, 1);
        int defects = 0;
        for (int i = 0; i < 4000; i++) {
            defects += factory.defective(0, i) ? 1 : 0;
            assertThat((double) defects).isBetween(0.05 * i - 3, 0.05 * i + 4);
        }
    }

    @Test
    void drawsAboutOneAndAHalfCodesInSewerMlProportions() {
        DefectSampler sampler = new DefectSampler(1);
        Map<DefectCode, Integer> counts = new TreeMap<>();
        int codes = 0;
        for (int i = 0; i < 4000; i++) {
            for (DefectCode code : sampler.choose(Rng.of(1, i))) {
                counts.merge(code, 1, Integer::sum);
                codes++;
            }
        }
        assertThat(codes / 4000.0).isBetween(1.45, 1.55);
        assertThat(counts).hasSize(DefectCode.values().length);
        assertThat(counts.get(DefectCode.FS)).isGreaterThan(counts.get(DefectCode.OB));
        assertThat(counts.get(DefectCode.OB)).isGreaterThan(counts.get(DefectCode.AF));
        assertThat(counts.get(DefectCode.AF)).isGreaterThan(counts.get(DefectCode.FO));
    }

    @Test
    void withoutNuisanceSoundPipesAreAlike() {
        SceneFactory factory = new SceneFactory(2, 0, 0, 1);
        Scene first = factory.scene(0, 0);
        Scene second = factory.scene(0, 1);
        assertThat(second.camera.focal()).isEqualTo(first.camera.focal());
        assertThat(second.wall.rgb()).containsExactly(first.wall.rgb());
        assertThat(second.lamp).isEqualTo(first.lamp);
        assertThat(second.water).usingRecursiveComparison().isEqualTo(first.water);
        assertThat(second.decals).isEmpty();
    }

    @Test
    void namesTheOptionThatIsOutOfRange() {
        assertThatThrownBy(() -> new SynthConfig(1, 1, 1.5, 64, 64, 1, SynthConfig.Format.JPG, false, 1, 1, 1))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining("--defect-share");
    }
}
