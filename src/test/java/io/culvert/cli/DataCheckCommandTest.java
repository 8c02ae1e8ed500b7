package io.culvert.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class DataCheckCommandTest {
    private static final String HEADER =
            "Filename,WaterLevel,VA,RB,OB,PF,DE,FS,IS,RO,IN,AF,BE,FO,GR,PH,PB,OS,OP,OK,ND,Defect\n";
    private static final String NORMAL = ",5,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1,0\n";
    private static final String CRACK = ",0,0,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1\n";

    @TempDir
    Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @BeforeEach
    void copyImages() throws IOException {
        for (String name : new String[] {"rgb.png", "half-chroma.jpg", "grey.jpg", "row.png"}) {
            Files.copy(Path.of("test/resources/images", name), folder.resolve(name));
        }
    }

    @Test
    void aGoodDataSetIsCounted() throws IOException {
        assertThat(check(HEADER + "rgb.png" + CRACK + "grey.jpg" + NORMAL + "half-chroma.jpg" + NORMAL)).isZero();
        assertThat(out.toString()).contains("3 images, 2 normal, 1 defective (33.3 %)", "No problems.",
                "  (not a size of Sewer-ML)").containsPattern("RB +1 +cracks").containsPattern("RO +0 +roots");
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void everyKindOfProblemIsFoundInOrder() throws IOException {
        byte[] jpeg = Files.readAllBytes(folder.resolve("half-chroma.jpg"));
        Files.write(folder.resolve("cut.jpg"), Arrays.copyOf(jpeg, jpeg.length / 2));
        Files.writeString(folder.resolve("text.png"), "no image");
        assertThat(check(HEADER + "rgb.png" + CRACK + "bad,1\n" + "cut.jpg" + CRACK + "missing.png" + NORMAL
                + "text.png" + NORMAL + "row.png" + NORMAL + "rgb.png" + NORMAL)).isEqualTo(3);
        assertThat(out.toString().lines().dropWhile(line -> !line.contains("problems:"))).satisfiesExactly(
                line -> assertThat(line).isEqualTo("6 problems:"),
                line -> assertThat(line).contains("labels.csv:3: has 2 fields"),
                line -> assertThat(line).contains("cut.jpg").contains("truncated"),
                line -> assertThat(line).contains("missing.png does not exist"),
                line -> assertThat(line).contains("text.png"),
                line -> assertThat(line).contains("row.png has only"),
                line -> assertThat(line).contains("rgb.png is listed twice, with different codes"));
    }

    @Test
    void manyProblemsAreCounted() throws IOException {
        String rows = IntStream.range(0, 30).mapToObj(i -> i + ".png" + NORMAL).collect(Collectors.joining());
        assertThat(check(HEADER + rows, "--list", "3")).isEqualTo(3);
        assertThat(out.toString()).contains("30 problems:", "0.png does not exist", "2.png does not exist",
                "and 27 more").doesNotContain("3.png");
    }

    @Test
    void withoutDecodingDamageGoesUnseen() throws IOException {
        Files.writeString(folder.resolve("text.png"), "no image");
        assertThat(check("Filename\ntext.png\n", "--no-decode")).isZero();
        assertThat(out.toString()).contains("1 images, without labels");
        Files.writeString(folder.resolve("text.png"), "");
        assertThat(check("Filename\ntext.png\nnone.png\n", "--no-decode")).isEqualTo(3);
        assertThat(out.toString()).contains("text.png is empty", "none.png does not exist");
    }

    @Test
    void nearDuplicatesAreFoundWithinAndBetween() throws IOException {
        Files.copy(folder.resolve("rgb.png"), folder.resolve("rgb-copy.png"));
        String first = HEADER + "rgb.png" + CRACK;
        assertThat(check(first, "--near-duplicates")).isZero();
        assertThat(out.toString()).contains("labels.csv: no near duplicates.");
        // The same picture without its colours.
        assertThat(check(first + "grey.jpg" + NORMAL, "--near-duplicates")).isEqualTo(3);
        assertThat(out.toString()).contains("labels.csv: 0 with the same pixels, 1 that look alike");
        Path val = Files.writeString(folder.resolve("val.csv"), HEADER + "rgb-copy.png" + CRACK);
        assertThat(check(first, "--near-duplicates=4", "--val-csv", val.toString())).isEqualTo(3);
        assertThat(out.toString()).contains("val.csv: no near duplicates.")
                .contains("val.csv: 1 with the same pixels, 0 that look alike (pairs); pictures of " + val + " among them: 1")
                .contains("rgb-copy.png have the same pixels");
        assertThat(check(first, "--near-duplicates", "--no-decode")).isEqualTo(2);
        assertThat(check(first, "--near-duplicates", "16")).isEqualTo(2);
    }

    @Test
    void groupsInBothSetsAreFound() throws IOException {
        Files.copy(folder.resolve("rgb.png"), folder.resolve("rgb-copy.png"));
        Path val = Files.writeString(folder.resolve("val.csv"), HEADER + "rgb-copy.png" + CRACK);
        String[] options = {"--val-csv", val.toString(), "--no-decode", "--group-by", "^([a-z]+)"};
        assertThat(check(HEADER + "grey.jpg" + NORMAL, options)).isZero();
        assertThat(out.toString()).contains("no group in both.");
        assertThat(check(HEADER + "rgb.png" + CRACK, options)).isEqualTo(3);
        assertThat(out.toString()).contains("1 groups in both:").containsPattern("(?m)^  rgb$");
    }

    @Test
    void whatCannotBeReadIsOneLine() throws IOException {
        assertThat(check("Filename,RB\n")).isEqualTo(3);
        assertThat(err.toString()).contains("columns OB, PF").hasLineCount(1);
        assertThat(execute("data", "check", "--csv", "none.csv", "--images", folder.toString())).isEqualTo(3);
        assertThat(err.toString()).contains("none.csv: no such file");
        assertThat(execute("data", "check", "--csv", "none.csv")).isEqualTo(2);
        assertThat(execute("data")).isEqualTo(2);
        assertThat(err.toString()).contains("check");
    }

    private int check(String csv, String... more) throws IOException {
        Path file = Files.writeString(folder.resolve("labels.csv"), csv);
        String[] args = {"data", "check", "--csv", file.toString(), "--images", folder.toString(), "--threads", "2"};
        String[] all = Arrays.copyOf(args, args.length + more.length);
        System.arraycopy(more, 0, all, args.length, more.length);
        return execute(all);
    }

    private int execute(String... args) {
        CommandLine commandLine = Main.commandLine();
        commandLine.setOut(new PrintWriter(out, true));
        commandLine.setErr(new PrintWriter(err, true));
        return commandLine.execute(args);
    }
}
