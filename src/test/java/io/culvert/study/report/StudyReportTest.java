package io.culvert.study.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.culvert.CounterRng;
import io.culvert.CulvertException;
import io.culvert.study.MadeUpStudy;
import io.culvert.study.Plan;
import io.culvert.study.PlannedRun;
import io.culvert.study.Sidecar;
import io.culvert.study.Store;
import io.culvert.study.StudyConfig;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

class StudyReportTest {
    private static final List<String> SECTIONS =
            List.of("ran", "auroc", "curves", "ranking", "statements", "scores", "cost");

    @TempDir
    Path folder;

    /** Whole and well-formed: it parses as XML. */
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

    private static double quality(PlannedRun run) {
        double method = switch (run.method()) {
            case "supervised" -> 0.9;
            case "simclr" -> 0.82;
            case "barlow_twins" -> 0.8;
            case "byol" -> 0.76;
            case "dino" -> 0.74;
            case "mae" -> 0.68;
            default -> 0.6;
        };
        return method + (run.backbone().equals("resnet18") ? 0.02 : 0) + 0.04 * Math.log10(run.trainShare());
    }

    private static void finish(PlannedRun run, List<Double> testShares) throws IOException {
        CounterRng rng = new CounterRng();
        rng.key(run.seed(), run.row().hashCode(), Math.round(1000 * run.trainShare()), 0);
        double noise = 0.01 * rng.nextDouble();
        double auroc = quality(run) + noise;
        List<Sidecar.Cell> cells = new ArrayList<>();
        for (double p : testShares) {
            double recall = auroc - 0.1;
            double alarms = 0.2;
            Map<String, Double> metrics = new HashMap<>(Map.of(
                    "auroc", auroc, "auroc_low", auroc - 0.03, "auroc_high", auroc + 0.03, "average_precision",
                    p + (1 - p) * (auroc - 0.5), "recall", recall, "false_alarm_rate", alarms));
            metrics.put("f1", 2 * recall * p / (recall * p + p + alarms * (1 - p)));
            cells.add(MadeUpStudy.cell(p, metrics));
        }
        Map<String, Double> scores = new HashMap<>(Map.of(
                "rankme", 30 + 100 * rng.nextDouble(), "stable_rank", 3 + 5 * auroc + rng.nextDouble(), "coherence", 1 - auroc,
                "lidar", 20 * rng.nextDouble(), "uniformity", -2 - rng.nextDouble(), "alpha_req", 0.5 + rng.nextDouble()));
        if (run.untrained()) {
            scores.remove("lidar");
        }
        MadeUpStudy.finish(run, cells, scores);
    }

    private record Made(StudyConfig study, Plan plan) {}

    private Made study(String yaml, Predicate<PlannedRun> done) throws IOException {
        StudyConfig study = MadeUpStudy.config(folder, yaml);
        Plan plan = Plan.of(study);
        for (PlannedRun run : plan.runs()) {
            if (done.test(run)) {
                finish(run, study.testShares());
            }
        }
        return new Made(study, plan);
    }

    private Document page(Made made) throws Exception {
        Path file = folder.resolve("page.html");
        StudyReport.write(made.study(), made.plan(), "study.yaml", 0, file);
        String html = Files.readString(file);
        assertThat(html).doesNotContain("http:", "https:", "url(", "@import", "javascript:", "NaN", "Infinity", " null");
        Document page = parse(html);
        for (String tag : List.of("script", "link", "iframe", "object", "base", "img")) {
            assertThat(elements(page, tag)).isEmpty();
        }
        assertThat(elements(page, "section")).extracting(section -> section.getAttribute("id")).containsAll(SECTIONS);
        return page;
    }

    private static String text(Document page, String id) {
        return elements(page, "section").stream()
                .filter(section -> section.getAttribute("id").equals(id))
                .findFirst()
                .orElseThrow()
                .getTextContent()
                .replaceAll("\\s+", " ");
    }

    private static final String WHOLE = MadeUpStudy.ROWS
            + """
            train_shares: [0.45, 0.15, 0.05, 0.02, 0.01]
            test_shares: [0.45, 0.15, 0.05, 0.02, 0.01]
            seeds: [1, 2]
            """;

    private static final String SMALL =
            """
            rows:
              untrained-resnet18: {untrained: true}
              simclr-resnet18: {}
              byol-resnet18: {method.name: byol}
              mae-vit_tiny: {method.name: mae, model.name: vit_tiny}
            train_shares: [0.45, 0.05]
            test_shares: [0.45]
            seeds: [1, 2]
            """;

    @Test
    void aWholeStudy() throws Exception {
        Made study = study(WHOLE, run -> true);
        Document page = page(study);
        String head = page.getDocumentElement().getTextContent();
        assertThat(head).contains("140 of 140 runs: 14 networks", "Two seeds", "simclr-resnet18 does best");
        assertThat(text(page, "statements")).contains("supports Joint-embedding methods rank above reconstruction");
        // Ten pairs, all above 0: p = 2 / 2^10.
        assertThat(text(page, "statements")).contains("p = 0.002, 10 pairs");
        assertThat(text(page, "scores")).contains("coherence", "1.00 to 1.00");
        assertThat(elements(page, "svg")).hasSize(6 + 6);
        assertThat(elements(page, "path")).allMatch(path -> path.getAttribute("d").matches("[MLVHZ0-9. -]+"));
        assertThat(folder.resolve("tables/auroc.md")).content().startsWith("| network | 45\u202f% defects |");
        assertThat(folder.resolve("tables/pairs-vit_tiny.csv")).exists();
        List<String> lines = Files.readAllLines(folder.resolve("results.jsonl"));
        assertThat(lines).hasSize(14 * 5 * 2 * 5);
        JsonNode line = new ObjectMapper().readTree(lines.getFirst());
        assertThat(line.path("reader").asText()).isEqualTo("linear probe");
        assertThat(line.path("auroc").isNumber()).isTrue();
    }

    /** What a reader is told to type gives an answer. */
    @Test
    void everyQueryRuns() throws Exception {
        Made study = study(WHOLE, run -> run.seed() == 1 && run.trainShare() > 0.1);
        List<String> commands =
                elements(page(study), "code").stream().map(Element::getTextContent).filter(c -> c.startsWith("culvert")).toList();
        assertThat(commands).hasSize(14).allMatch(c -> c.startsWith("culvert study table --config study.yaml "));
        try (Store store = Store.of(study.plan())) {
            int queries = 0;
            for (String command : commands) {
                int at = command.indexOf("--sql \"");
                if (at >= 0) {
                    String sql = command.substring(at + 7, command.length() - 1).replaceAll("\\\\([\"\\\\$`])", "$1");
                    assertThat(store.query(sql).rows()).as(sql).isNotEmpty();
                    queries++;
                }
            }
            assertThat(queries).isEqualTo(13);
        }
    }

    /** By hand: one seed, so the run's own bounds, 0.03 either way, and no deviation. */
    @Test
    void oneSeedAndOneShare() throws Exception {
        Made study = study(
                """
                rows: {untrained-a: {untrained: true}, simclr-a: {}, byol-a: {method.name: byol}}
                train_shares: [0.1]
                test_shares: [0.5]
                seeds: [1]
                """,
                run -> true);
        Document page = page(study);
        assertThat(page.getDocumentElement().getTextContent()).contains("One seed");
        assertThat(text(page, "auroc")).containsPattern("0\\.\\d{3}–0\\.\\d{3}; \\+0\\.\\d{3}").doesNotContainPattern("\\d ± 0");
        assertThat(text(page, "statements")).contains("untested Joint-embedding methods");
        assertThat(text(page, "ranking")).contains("in the one combination", "Where n is not given, it is 1. ", "cannot be below 1.000");
    }

    @Test
    void twoRunsOfOneMethod() throws Exception {
        Made study = study(SMALL, run -> run.row().equals("simclr-resnet18") && run.trainShare() == 0.05);
        Document page = page(study);
        assertThat(page.getDocumentElement().getTextContent())
                .contains("2 of 16 runs", "14 of 16 runs are not done", "Without any run: untrained-resnet18");
        assertThat(text(page, "ranking")).contains("No backbone has two networks.");
        assertThat(text(page, "auroc")).contains("The study has no untrained network to compare with.");
    }

    @Test
    void gapsAreDashes() throws Exception {
        Made study = study(SMALL, run -> !(run.row().equals("byol-resnet18") && run.trainShare() < 0.1));
        Document page = page(study);
        assertThat(text(page, "auroc")).contains("–");
        assertThat(text(page, "ranking")).contains("over the 2 combinations");
    }

    @Test
    void bothSamplingsSideBySide() throws Exception {
        Made study = study(
                """
                rows: {simclr-a: {}, byol-a: {method.name: byol}}
                sampling: [published, fixed_size]
                size: 100
                train_shares: [0.45, 0.1]
                test_shares: [0.5]
                seeds: [1, 2, 3]
                """,
                run -> true);
        Document page = page(study);
        assertThat(text(page, "set-size")).contains("fixed size 0.", "n = 6");
        assertThat(folder.resolve("tables/set-size.csv")).exists();
    }

    @Test
    void aTestShareThatIsNotThere() throws Exception {
        Made study = study("rows: {simclr-a: {}}\ntrain_shares: [0.1]\ntest_shares: [0.5]\n", run -> true);
        assertThatThrownBy(() -> StudyReport.write(study.study(), study.plan(), "s", 0.3, folder.resolve("page.html")))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining("no test set has a share of 0.3");
    }
}
