package io.culvert.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.culvert.CulvertException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

class ReportWriterTest {
    private static final String HOSTILE = "\"><script>alert('1')</script><img src=x onerror=alert(2)>&amp;.png";

    /** The page is HTML that is well-formed XML too, which finds every tag left open and every character unescaped. */
    private static Document parse(String html) throws Exception {
        byte[] bytes = html.getBytes(StandardCharsets.UTF_8);
        return DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new ByteArrayInputStream(bytes));
    }

    private static List<Element> elements(Document page, String tag) {
        NodeList nodes = page.getElementsByTagName(tag);
        List<Element> elements = new ArrayList<>();
        for (int i = 0; i < nodes.getLength(); i++) {
            elements.add((Element) nodes.item(i));
        }
        return elements;
    }

    @Test
    void saysTheResultInOneSentence() throws Exception {
        double[] scores = MadeUpReport.scores(1.9);
        int[] labels = MadeUpReport.labels();
        double pairs = 0;
        double ordered = 0;
        for (int i = 0; i < scores.length; i++) {
            for (int j = 0; j < scores.length; j++) {
                if (labels[i] == 1 && labels[j] == 0) {
                    pairs++;
                    ordered += scores[i] > scores[j] ? 1 : 0;
                }
            }
        }
        String expected = "%.1f\u202f%%".formatted(100 * ordered / pairs);
        Document page = parse(ReportWriter.html(MadeUpReport.plausible()));
        String claim = elements(page, "p").stream()
                .filter(p -> p.getAttribute("class").equals("claim")).findFirst().orElseThrow().getTextContent();
        assertThat(claim).startsWith("Pre-trained features rank a defective frame above a sound one " + expected);
        assertThat(claim).contains("the same network untrained: ");
    }

    @Test
    void holdsTheNumbersGiven() throws Exception {
        AnomalyReport report = MadeUpReport.plausible();
        String text = parse(ReportWriter.html(report)).getDocumentElement().getTextContent();
        for (Evaluation evaluation : List.of(report.trained(), report.untrained())) {
            assertThat(text).contains(Text.score(evaluation.auroc()), Text.score(evaluation.aurocLow()),
                    Text.score(evaluation.averagePrecision()), Text.score(evaluation.f1()),
                    Text.score(evaluation.precision()), Text.score(evaluation.recall()),
                    Text.score(evaluation.balancedAccuracy()),
                    Long.toString(evaluation.confusion().falsePositives()));
        }
        assertThat(text).contains("27 of 31", "cracks, breaks, collapses", "simclr, T = 0.2", "912", "25.0.1+8",
                "./culvert probe runs/demo", "The frames are synthetic.");
    }

    @Test
    void fetchesNothingAndRunsNothing() throws Exception {
        String html = ReportWriter.html(MadeUpReport.plausible());
        assertThat(html).doesNotContain("http:", "https:", "url(", "@import", "javascript:");
        Document page = parse(html);
        for (String tag : List.of("script", "link", "iframe", "object", "base")) {
            assertThat(elements(page, tag)).isEmpty();
        }
        assertThat(elements(page, "img")).hasSize(23)
                .allMatch(img -> img.getAttribute("src").startsWith("data:image/jpeg;base64,"));
    }

    @Test
    void escapesHostileNames() throws Exception {
        Document page = parse(ReportWriter.html(MadeUpReport.named(HOSTILE, HOSTILE)));
        assertThat(elements(page, "script")).isEmpty();
        assertThat(elements(page, "title").getFirst().getTextContent()).isEqualTo(HOSTILE + " \u2013 Culvert");
        List<Element> images = elements(page, "img");
        assertThat(images).hasSize(23).noneMatch(img -> img.hasAttribute("onerror"));
        assertThat(images.getFirst().getAttribute("alt")).isEqualTo(HOSTILE);
    }

    @Test
    void drawsBothNetworksInEveryChart() throws Exception {
        Document page = parse(ReportWriter.html(MadeUpReport.plausible()));
        List<String> curves = elements(page, "path").stream().map(p -> p.getAttribute("class")).toList();
        assertThat(curves).filteredOn("curve trained"::equals).hasSize(3);
        assertThat(curves).filteredOn("curve untrained"::equals).hasSize(2);
        assertThat(curves).filteredOn("area defective"::equals).hasSize(2);
        assertThat(elements(page, "path")).allMatch(p -> p.getAttribute("d").matches("[MLVHZ0-9. -]+"));
    }

    @Test
    void standsWithoutPicturesCodesAndCurves() throws Exception {
        AnomalyReport full = MadeUpReport.plausible();
        AnomalyReport bare = new AnomalyReport(full.title(), full.created(), full.subject(), full.trained(),
                full.untrained(), List.of(), List.of(), List.of(), new AnomalyReport.Training(List.of(), List.of()), List.of(), List.of(),
                List.of(), List.of(), List.of(), List.of(), List.of(), List.of());
        String text = parse(ReportWriter.html(bare)).getDocumentElement().getTextContent();
        assertThat(text).contains("None: every defective frame was found.", "No loss was logged.");
        assertThat(text).doesNotContain("Found, by kind of defect", "To see it again", "Without labels");
    }

    @Test
    void anUndefinedScoreIsADash() throws Exception {
        AnomalyReport report = MadeUpReport.plausible();
        String text = parse(ReportWriter.html(report)).getDocumentElement().getTextContent();
        assertThat(text.replaceAll("\\s+", " ")).contains("rankme 61.42 18.05 higher", "tail_agreement 0.4600 – higher",
                "alpha_reqeigenvalues 11-100, R2 0.9912 1.310 2.740 near 1");
        JsonNode json = new ObjectMapper().readTree(ReportWriter.json(report));
        assertThat(json.at("/labelFree/2/untrained").isNull()).isTrue();
        assertThat(json.at("/labelFree/0/trained").asDouble()).isEqualTo(61.42);
    }

    @Test
    void tellsAGapFromChance() {
        AnomalyReport report = MadeUpReport.plausible();
        assertThat(new ReportPage(report, "").verdict())
                .startsWith("Pre-training adds").endsWith("the 95\u202f% intervals do not overlap.");
        assertThat(new ReportPage(with(report, report.untrained(), report.trained()), "").verdict())
                .startsWith("Pre-training costs");
        assertThat(new ReportPage(with(report, report.trained(), report.trained()), "").verdict())
                .contains("intervals overlap", "it may be chance");
    }

    private static AnomalyReport with(AnomalyReport r, Evaluation trained, Evaluation untrained) {
        return new AnomalyReport(r.title(), r.created(), r.subject(), trained, untrained, r.readers(), r.codes(), r.labelFree(), r.training(),
                r.mostAnomalous(), r.missed(), r.falseAlarms(), r.settings(), r.machine(), r.timing(), r.notes(),
                r.commands());
    }

    @Test
    void writesBothFilesWithTheSameNumbers(@TempDir Path folder) throws IOException {
        AnomalyReport report = MadeUpReport.plausible();
        ReportWriter.write(folder, report);
        assertThat(folder.resolve("report.html")).hasContent(ReportWriter.html(report));
        JsonNode json = new ObjectMapper().readTree(Files.readString(folder.resolve("report.json")));
        assertThat(json.at("/trained/auroc").asDouble()).isEqualTo(report.trained().auroc());
        assertThat(json.at("/untrained/confusion/truePositives").asLong())
                .isEqualTo(report.untrained().confusion().truePositives());
        assertThat(json.at("/missed/0/file").asText()).isEqualTo("00000123.png");
        assertThat(json.at("/missed/0").has("thumbnail")).isFalse();
        try (var files = Files.list(folder)) {
            assertThat(files).hasSize(2);
        }
    }

    @Test
    void saysWhereItCannotWrite(@TempDir Path folder) {
        Path missing = folder.resolve("missing");
        assertThatThrownBy(() -> ReportWriter.write(missing, MadeUpReport.plausible()))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining("missing");
    }
}
