package io.culvert.study.report;

import io.culvert.report.AnomalyReport.Fact;
import io.culvert.report.Text;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** What the page's template reads: the study's sentences, tables, and charts as SVG. */
public final class StudyPage {
    private final String title;
    private final String css;
    private final boolean synthetic;
    private final Analysis analysis;
    private final Queries queries;
    private final Sheets sheets;
    private final String sampling;

    /** Charts of one number, one a backbone, on one scale. */
    public record Figure(String title, Map<String, String> charts, String caption, String command) {}

    /** A name and the class that colours it. */
    public record Entry(String name, String style) {}

    /**
     * How one backbone's networks stand.
     *
     * @param over what ranks are means over
     * @param least what the tests can show at most
     */
    public record Ranked(String backbone, String over, Sheet ranks, String least, Sheet pairs) {}

    /** A statement's numbers as printed. */
    public record Claimed(Statement statement, List<String> findings) {}

    /**
     * @param title the study's name
     * @param config the arguments that name the study to a command
     * @param synthetic whether runs saw synthetic pictures
     */
    StudyPage(String title, String css, String config, boolean synthetic, Analysis analysis) {
        this.title = title;
        this.css = css;
        this.synthetic = synthetic;
        this.analysis = analysis;
        this.queries = new Queries(config, analysis.cut());
        this.sheets = new Sheets(analysis, queries);
        this.sampling = analysis.samplings().getFirst();
    }

    public String title() {
        return title;
    }

    public String css() {
        return css;
    }

    public String created() {
        return "results up to "
                + analysis.results().runs().stream().map(Results.Run::finished).max(Comparator.naturalOrder()).orElseThrow();
    }

    public String subject() {
        Results results = analysis.results();
        return "%d of %d runs: %d networks, %s defects in training, %d %s, judged at %s".formatted(
                results.runs().size(), results.planned(), results.networks().size() + results.missing().size(),
                percents(analysis.shares()), analysis.seeds(), analysis.seeds() == 1 ? "seed" : "seeds",
                percents(results.testShares().reversed()));
    }

    private static String percents(Iterable<Double> shares) {
        List<String> texts = new ArrayList<>();
        shares.forEach(share -> texts.add(Words.percent(share)));
        return String.join(", ", texts);
    }

    public String testShare() {
        return Words.percent(analysis.cut().testShare());
    }

    /** The result in one sentence. */
    public String claim() {
        Grid grid = analysis.grid();
        List<Block> blocks = grid.complete(grid.networks());
        Optional<Network> best = grid.networks(Network::isSelfSupervised).stream()
                .max(Comparator.comparingDouble(network -> mean(network, blocks)));
        if (blocks.isEmpty() || best.isEmpty()) {
            return "%d of %d runs are done, too few for a comparison of all networks."
                    .formatted(analysis.results().runs().size(), analysis.results().planned());
        }
        StringBuilder claim = new StringBuilder("Of the self-supervised networks %s does best: it ranks a defective picture above a sound one %s of the time"
                .formatted(best.get().row(), Text.percent(mean(best.get(), blocks))));
        for (String method : List.of(Network.UNTRAINED, Network.SUPERVISED)) {
            grid.networks(other -> other.method().equals(method) && other.backbone().equals(best.get().backbone())).stream()
                    .findFirst()
                    .ifPresent(other -> claim.append("; ").append(method).append(" ")
                            .append(Text.percent(mean(other, blocks))));
        }
        return claim + ".";
    }

    private double mean(Network network, List<Block> blocks) {
        return blocks.stream().mapToDouble(block -> analysis.grid().value(network, block)).average().orElse(0);
    }

    public String claimDetail() {
        List<Block> blocks = analysis.grid().complete(analysis.grid().networks());
        return blocks.isEmpty()
                ? ""
                : "Means over the %d %s of training share, sampling and seed that every network has; linear probe, %s defects in the test set. Guessing gives 50\u202f%%."
                        .formatted(blocks.size(), blocks.size() == 1 ? "combination" : "combinations", testShare());
    }

    /** What a reader should keep in mind. */
    public List<String> notes() {
        Results results = analysis.results();
        List<String> notes = new ArrayList<>();
        if (synthetic) {
            notes.add("The pictures are synthetic: drawn, not photographed. Which method does better on them says little about"
                    + " real sewers.");
        }
        int left = results.planned() - results.runs().size();
        if (left > 0) {
            notes.add("%d of %d runs are not done; ranks and tests use the runs there are.".formatted(left, results.planned()));
        }
        if (!results.missing().isEmpty()) {
            notes.add("Without any run: "
                    + results.missing().stream().map(Network::row).collect(Collectors.joining(", ")) + ".");
        }
        if (analysis.seeds() == 1) {
            notes.add("One seed: no deviation over seeds is known. Intervals are those of the test pictures (bootstrap) and"
                    + " leave out what another seed would change.");
        } else if (analysis.seeds() == 2) {
            notes.add("Two seeds: deviations are rough, and intervals over seeds (Student's t, one degree of freedom) wide.");
        }
        if (analysis.samplings().contains(SetSize.PUBLISHED)) {
            notes.add("Sets drawn the published way shrink with the share of defects, so that rarity and size change together.");
        }
        return notes;
    }

    public List<Fact> ran() {
        Results results = analysis.results();
        List<Fact> facts = new ArrayList<>();
        facts.add(new Fact("runs", "%d of %d".formatted(results.runs().size(), results.planned())));
        facts.add(new Fact("networks", Integer.toString(results.networks().size())));
        facts.add(new Fact("training shares", percents(analysis.shares())));
        facts.add(new Fact("test shares", percents(results.testShares().reversed())));
        facts.add(new Fact("sampling", String.join(", ", analysis.samplings())));
        facts.add(new Fact(
                "seeds",
                results.runs().stream().map(run -> run.block().seed()).distinct().sorted().map(String::valueOf)
                        .collect(Collectors.joining(", "))));
        long least = results.runs().stream().mapToLong(Results.Run::images).min().orElseThrow();
        long most = results.runs().stream().mapToLong(Results.Run::images).max().orElseThrow();
        facts.add(new Fact(
                "training images", least == most ? Text.count(least) : Text.count(least) + "–" + Text.count(most)));
        return facts;
    }

    public List<Fact> time() {
        List<Results.Run> runs = analysis.results().runs();
        double train = runs.stream().mapToDouble(Results.Run::trainSeconds).sum();
        double judge = runs.stream().mapToDouble(Results.Run::judgeSeconds).sum();
        return List.of(
                new Fact("training", Words.duration(train)), new Fact("judging", Words.duration(judge)),
                new Fact("in all", Words.duration(train + judge)));
    }

    public List<Fact> machine() {
        Map<String, Set<String>> values = new LinkedHashMap<>();
        for (Results.Run run : analysis.results().runs()) {
            run.machine().forEach((name, value) -> values.computeIfAbsent(name, key -> new LinkedHashSet<>()).add(value));
        }
        return values.entrySet().stream()
                .map(entry -> new Fact(
                        entry.getKey(),
                        entry.getValue().size() > 3
                                ? entry.getValue().size() + " different"
                                : String.join("; ", entry.getValue())))
                .toList();
    }

    public List<String> headCommands() {
        return List.of(queries.runs());
    }

    /** Every method, once. */
    public List<Entry> legend() {
        return analysis.results().networks().stream()
                .map(network -> new Entry(network.method(), StudyCharts.style(network)))
                .distinct()
                .toList();
    }

    public Sheet auroc() {
        return sheets.auroc();
    }

    public String differences() {
        return analysis.grid().networks(Network::isUntrained).isEmpty()
                ? "The study has no untrained network to compare with."
                : analysis.seeds() > 1
                        ? "Below: the difference to the untrained network with the same backbone, and its 95\u202f% interval over seeds."
                        : "Below: the 95\u202f% bootstrap interval of the run, and the difference to the untrained network with the same"
                                + " backbone.";
    }

    public List<Figure> curves() {
        return List.of(curve(analysis.cut(), "AUROC"), curve(analysis.cut().metric("average_precision"), "average precision"));
    }

    private Figure curve(Cut cut, String name) {
        Map<String, String> charts = StudyCharts.perBackbone(
                analysis.results().networks(), network -> analysis.byTrainShare(cut, network, sampling), "defects in training",
                name, name + " against the share of defects in training");
        String caption = "Linear probe, %s defects in the test set. %s".formatted(testShare(), bars());
        return new Figure(name, charts, caption, queries.curve(cut, sampling));
    }

    private String bars() {
        return switch (analysis.seeds()) {
            case 1 -> "Bars: 95\u202f% bootstrap interval of the run.";
            case 2 -> "Bars reach from one seed to the other.";
            default -> "Bars: 95\u202f% interval over seeds (Student's t); where a network has two seeds, from one to the other.";
        };
    }

    /** F1 over the share of defects in the test set. */
    public Figure byTestShare() {
        double trainShare = analysis.shares().getFirst();
        Map<String, String> charts = StudyCharts.perBackbone(
                analysis.results().networks(),
                network -> {
                    Map<Double, Analysis.Spot> spots = new LinkedHashMap<>();
                    for (double share : analysis.results().testShares()) {
                        analysis.spot(analysis.cut().metric("f1").testShare(share), network, sampling, trainShare)
                                .ifPresent(spot -> spots.put(share, spot));
                    }
                    return spots;
                },
                "defects in the test set", "F1 at 0.5", "F1 against the share of defects in the test set");
        return new Figure(
                "F1 at a fixed threshold", charts,
                "Linear probe, trained with %s defects, threshold 0.5.".formatted(Words.percent(trainShare)),
                queries.byTestShare(sampling, trainShare));
    }

    public List<Ranked> ranking() {
        return analysis.standings().stream()
                .map(standing -> new Ranked(
                        standing.backbone(), over(standing), sheets.ranks(standing), least(standing), sheets.pairs(standing)))
                .toList();
    }

    private static String over(Standing standing) {
        return switch (standing.blocks()) {
            case 0 -> "There is no combination of training share, sampling and seed in which no network is missing, so there are no"
                    + " ranks; AUROC is each network's mean over its own runs.";
            case 1 -> "Rank by AUROC in the one combination of training share, sampling and seed in which no network is missing; 1"
                    + " is best.";
            default -> "Mean rank by AUROC over the %d combinations of training share, sampling and seed in which no network is missing; 1 is best."
                    .formatted(standing.blocks());
        };
    }

    private static String least(Standing standing) {
        if (standing.pairs().isEmpty()) {
            return "No two networks have such runs.";
        }
        double least = standing.pairs().stream().mapToDouble(pair -> pair.contrast().leastP()).min().orElseThrow();
        String runs = standing.blocks() == 0 ? "" : "Where n is not given, it is " + standing.blocks() + ". ";
        return runs + "With so many runs and comparisons an adjusted p cannot be below "
                + Words.p(Math.min(1, least * standing.pairs().size())) + ".";
    }

    public List<Claimed> statements() {
        return analysis.statements().stream()
                .map(statement -> new Claimed(statement, statement.findings().stream().map(StudyPage::words).toList()))
                .toList();
    }

    private static String words(Statement.Finding finding) {
        String number = finding.what() + ": " + Words.difference(finding.difference(), finding.low(), finding.high());
        if (Double.isNaN(finding.p())) {
            return number + ", %d runs".formatted(finding.n());
        }
        String least = finding.leastP() > Contrast.LEVEL
                ? "; so few pairs cannot have a p below " + Words.p(finding.leastP())
                : "";
        return number + ", %s, %d %s%s".formatted(
                Words.withP(finding.p()), finding.n(), finding.n() == 1 ? "pair" : "pairs", least);
    }

    public String statementsCommand() {
        return queries.values();
    }

    public Sheet scores() {
        return sheets.scores();
    }

    public Sheet scoresByMethod() {
        return sheets.scoresByMethod();
    }

    /** Every score against the metric. */
    public Map<String, String> scatters() {
        Map<String, String> charts = new LinkedHashMap<>();
        analysis.scores().forEach(study -> charts.put(study.score().key(), StudyCharts.scatter(study)));
        return charts;
    }

    public Sheet cost() {
        return sheets.cost();
    }

    public Sheet sizes() {
        return sheets.sizes();
    }

    /** All tables, for files. */
    List<Sheet> tables() {
        List<Sheet> tables = new ArrayList<>(List.of(sheets.auroc()));
        for (Standing standing : analysis.standings()) {
            tables.addAll(List.of(sheets.ranks(standing), sheets.pairs(standing)));
        }
        tables.addAll(List.of(
                sheets.statements(), sheets.scores(), sheets.scoresByMethod(), sheets.cost(), sheets.sizes()));
        tables.removeIf(Sheet::empty);
        return tables;
    }
}
