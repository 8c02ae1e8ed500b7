package io.culvert.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.culvert.CulvertException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SewerMlCsvTest {
    static final String HEADER =
            "Filename,WaterLevel,VA,RB,OB,PF,DE,FS,IS,RO,IN,AF,BE,FO,GR,PH,PB,OS,OP,OK,ND,Defect";
    private static final String NORMAL = "00000001.png,5,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1,0";
    private static final String CRACKED_WITH_ROOTS = "00000002.png,0,0,1,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,1";

    @TempDir
    Path folder;

    @Test
    void readsCodesInTheOrderOfTheColumns() throws IOException {
        Dataset dataset = read(HEADER + "\n" + NORMAL + "\n" + CRACKED_WITH_ROOTS + "\n");
        assertThat(dataset.samples()).containsExactly(new Sample("00000001.png", 0, true),
                new Sample("00000002.png", DefectCode.RB.bit() | DefectCode.RO.bit(), true));
        assertThat(dataset.get(1).has(DefectCode.RO)).isTrue();
        assertThat(dataset.get(1).has(DefectCode.IN)).isFalse();
        assertThat(dataset.defectCount()).isEqualTo(1);
        assertThat(dataset.path(0)).isEqualTo(folder.resolve("00000001.png"));
    }

    @Test
    void toleratesByteOrderMarkQuotesCarriageReturnsAndOtherColumns() throws IOException {
        String row = CRACKED_WITH_ROOTS.replace("00000002.png", "\"a \"\"b\"\", c.png\"");
        Dataset dataset = read("\uFEFF" + HEADER + ",Camera\r\n" + row + ",\"left, old\"\r\n\r\n");
        assertThat(dataset.samples()).extracting(Sample::file).containsExactly("a \"b\", c.png");
        assertThat(dataset.get(0).defective()).isTrue();
    }

    @Test
    void readsATestSplitOfFileNames() throws IOException {
        Dataset dataset = read("Filename\n1.png\n2.png\n");
        assertThat(dataset.samples()).containsExactly(new Sample("1.png", 0, false), new Sample("2.png", 0, false));
        assertThat(dataset.labelled()).isFalse();
    }

    @Test
    void namesMissingColumns() {
        assertThatThrownBy(() -> read(HEADER.replace(",RO", "").replace("Filename,", "") + "\n"))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining("annotations.csv:1: columns Filename, RO missing");
        assertThatThrownBy(() -> read("Filename,Defect\n1.png,1\n")).hasMessageContaining("columns RB, OB, PF");
        assertThatThrownBy(() -> read(HEADER + ",RB\n")).hasMessageContaining("column RB appears twice");
    }

    @Test
    void namesTheLineOfABadRow() {
        String head = HEADER + "\n" + NORMAL + "\n";
        assertThatThrownBy(() -> read(head + NORMAL.replaceAll("0$", "2") + "\n"))
                .isInstanceOf(CulvertException.class)
                .hasMessageEndingWith("annotations.csv:3: Defect is '2', expected 0 or 1");
        assertThatThrownBy(() -> read(head + "3.png,5,1\n"))
                .hasMessageEndingWith("annotations.csv:3: has 3 fields, the header 22");
        assertThatThrownBy(() -> read(head + NORMAL.replace("00000001.png", " ") + "\n"))
                .hasMessageEndingWith("annotations.csv:3: has no Filename");
        assertThatThrownBy(() -> read(head + CRACKED_WITH_ROOTS.replaceAll("1$", "0") + "\n"))
                .hasMessageContaining("annotations.csv:3: Defect is 0 but the codes RB,RO are set");
        assertThatThrownBy(() -> read(head + NORMAL.replaceAll("0$", "1") + "\n"))
                .hasMessageContaining("annotations.csv:3: Defect is 1 but no code is set");
    }

    @Test
    void theLenientReaderKeepsTheGoodRows() throws IOException {
        Path csv = write(HEADER + "\n" + NORMAL + "\n1.png,x\n" + CRACKED_WITH_ROOTS.replace(",1,", ",yes,") + "\n"
                + CRACKED_WITH_ROOTS);
        List<String> problems = new ArrayList<>();
        assertThat(SewerMlCsv.read(csv, problems::add)).hasSize(2);
        assertThat(problems).containsExactly(csv + ":3: has 2 fields, the header 22",
                csv + ":4: RB is 'yes', expected 0 or 1");
    }

    @Test
    void saysWhatIsNotThere() throws IOException {
        assertThatThrownBy(() -> SewerMlCsv.read(folder.resolve("none.csv"), folder))
                .isInstanceOf(CulvertException.class).hasMessageContaining("none.csv: no such file");
        assertThatThrownBy(() -> read("")).hasMessageContaining("the file is empty");
        assertThatThrownBy(() -> read(HEADER + "\n")).hasMessageContaining("no row below the header");
        Path csv = write(HEADER + "\n" + NORMAL + "\n");
        assertThatThrownBy(() -> SewerMlCsv.read(csv, folder.resolve("images")))
                .hasMessageContaining("no such folder of images; name the one that holds 00000001.png");
        assertThatThrownBy(() -> SewerMlCsv.read(folder, folder)).isInstanceOf(CulvertException.class);
    }

    private Dataset read(String text) throws IOException {
        return SewerMlCsv.read(write(text), folder);
    }

    private Path write(String text) throws IOException {
        return Files.writeString(folder.resolve("annotations.csv"), text);
    }
}
