package io.culvert.study.report;

import io.culvert.report.Text;
import io.culvert.study.report.Sheet.Cell;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** The report's tables. */
final class Sheets {
    private final Analysis analysis;
    private final Queries queries;
    private final String sampling;

    Sheets(Analysis analysis, Queries queries) {
        this.analysis = analysis;
        this.queries = queries;
        this.sampling = analysis.samplings().getFirst();
    }

    /** A row's name among others on one backbone. */
    private static String shortName(Network network) {
        String suffix = "-" + network.backbone();
        return network.row().endsWith(suffix) && !network.row().equals(suffix)
                ? network.row().substring(0, network.row().length() - suffix.length())
                : network.row();
    }

    private static Cell name(Network network) {
        String about = network.method() + ", " + network.backbone();
        return Cell.of(network.row(), about);
    }

    /** AUROC by network and training share. */
    Sheet auroc() {
        List<String> columns = new ArrayList<>(List.of("network"));
        analysis.shares().forEach(share -> columns.add(Words.percent(share) + " defects"));
        List<List<Cell>> rows = new ArrayList<>();
        for (Network network : analysis.results().networks()) {
            List<Cell> row = new ArrayList<>(List.of(name(network)));
            for (double share : analysis.shares()) {
                row.add(auroc(network, share));
            }
            rows.add(row);
        }
        return new Sheet("auroc", columns, rows, List.of(queries.byTrainShare(sampling), queries.gains(sampling)));
    }

    private Cell auroc(Network network, double share) {
        Optional<Analysis.Spot> spot = analysis.spot(analysis.cut(), network, sampling, share);
        if (spot.isEmpty()) {
            return Cell.NONE;
        }
        Estimate estimate = spot.get().estimate();
        List<String> details = new ArrayList<>();
        if (estimate.runs() == 1 && spot.get().hasInterval()) {
            details.add(Text.score(spot.get().low()) + "–" + Text.score(spot.get().high()));
        }
        Optional<Estimate> gain = network.isUntrained() ? Optional.empty() : analysis.gain(network, sampling, share);
        gain.ifPresent(g -> details.add(Words.difference(g.mean(), g.low(), g.high())));
        return new Cell(Words.mean(estimate), String.join("; ", details), best(network, share));
    }

    private String best(Network network, double share) {
        if (isBest(analysis.results().networks(), network, share)) {
            return "best";
        }
        List<Network> selfSupervised =
                analysis.results().networks().stream().filter(Network::isSelfSupervised).toList();
        return selfSupervised.contains(network) && isBest(selfSupervised, network, share) ? "second" : "";
    }

    private boolean isBest(List<Network> among, Network network, double share) {
        return among.stream()
                .filter(other -> analysis.spot(analysis.cut(), other, sampling, share).isPresent())
                .max(Comparator.comparingDouble(
                        other -> analysis.spot(analysis.cut(), other, sampling, share).orElseThrow().estimate().mean()))
                .filter(network::equals)
                .isPresent();
    }

    /** Mean ranks on a backbone. */
    Sheet ranks(Standing standing) {
        List<List<Cell>> rows = standing.places().stream()
                .map(place -> List.of(
                        Cell.of(shortName(place.network())),
                        Double.isNaN(place.rank()) ? Cell.NONE : Cell.of(Words.fixed(place.rank(), 2)),
                        Cell.of(Text.score(place.value()))))
                .toList();
        return new Sheet(
                "ranks-" + standing.backbone(), List.of("network", "mean rank", "mean AUROC"), rows,
                List.of(queries.ranks(standing.backbone())));
    }

    /** Row less column, for every two networks on a backbone. */
    Sheet pairs(Standing standing) {
        List<Network> networks = standing.places().stream().map(Standing.Place::network).toList();
        List<String> columns = new ArrayList<>(List.of("row less column"));
        networks.forEach(network -> columns.add(shortName(network)));
        List<List<Cell>> rows = new ArrayList<>();
        for (Network one : networks) {
            List<Cell> row = new ArrayList<>(List.of(Cell.of(shortName(one))));
            for (Network other : networks) {
                row.add(one.equals(other) ? new Cell("", "", "none") : pair(standing, one, other));
            }
            rows.add(row);
        }
        return new Sheet("pairs-" + standing.backbone(), columns, rows, List.of(queries.pairs(standing.backbone())));
    }

    private static Cell pair(Standing standing, Network one, Network other) {
        return standing.pair(one, other)
                .map(pair -> {
                    double difference =
                            pair.first().equals(one) ? pair.contrast().difference().mean() : -pair.contrast().difference().mean();
                    String style = pair.holm() > Contrast.LEVEL ? "" : difference > 0 ? "up" : "down";
                    return new Cell(
                            Text.difference(difference),
                            Words.withP(pair.holm())
                                    + (pair.contrast().pairs() == standing.blocks() ? "" : ", n = " + pair.contrast().pairs()),
                            style);
                })
                .orElse(Cell.NONE);
    }

    Sheet statements() {
        List<List<Cell>> rows = new ArrayList<>();
        for (Statement statement : analysis.statements()) {
            for (Statement.Finding finding : statement.findings()) {
                rows.add(List.of(
                        Cell.of(statement.published()), Cell.of(statement.verdict().word()), Cell.of(finding.what()),
                        Cell.of(Words.difference(finding.difference(), finding.low(), finding.high())),
                        Double.isNaN(finding.p()) ? Cell.NONE : Cell.of(Words.p(finding.p())),
                        Cell.of(Integer.toString(finding.n()))));
            }
            if (statement.findings().isEmpty()) {
                rows.add(List.of(
                        Cell.of(statement.published()), Cell.of(statement.verdict().word()), Cell.NONE, Cell.NONE, Cell.NONE,
                        Cell.of("0")));
            }
        }
        return new Sheet(
                "statements", List.of("statement", "these runs", "what", "difference or correlation", "p", "n"), rows,
                List.of(queries.values()));
    }

    /** All scores: correlation over groups of runs, and what selecting gives. */
    Sheet scores() {
        List<String> groups = new ArrayList<>(List.of(ScoreStudy.ALL, ScoreStudy.SELF_SUPERVISED));
        groups.addAll(analysis.grid().backbones());
        List<String> columns = new ArrayList<>(List.of("score"));
        groups.forEach(group -> columns.add(headed(group)));
        columns.addAll(List.of("Kendall", "regret", "at random"));
        List<List<Cell>> rows = new ArrayList<>();
        for (ScoreStudy study : analysis.scores()) {
            List<Cell> row = new ArrayList<>(
                    List.of(Cell.of(study.score().key(), "better: " + study.score().direction().words())));
            for (String group : groups) {
                row.add(spearman(study.association(group)));
            }
            row.add(study.association(ScoreStudy.ALL)
                    .flatMap(ScoreStudy.Association::kendall)
                    .map(k -> Cell.of(Words.correlation(k.value()), interval(k.low(), k.high())))
                    .orElse(Cell.NONE));
            row.add(study.selection()
                    .map(s -> Cell.of(Text.score(s.regret()), Text.score(s.chosen()) + " of " + Text.score(s.oracle())))
                    .orElse(Cell.NONE));
            row.add(study.selection()
                    .map(s -> Cell.of(Text.score(s.atRandom()), s.blocks() + (s.blocks() == 1 ? " choice" : " choices")))
                    .orElse(Cell.NONE));
            rows.add(row);
        }
        return new Sheet("scores", columns, rows, List.of(queries.scores()));
    }

    /** All scores within each method. */
    Sheet scoresByMethod() {
        List<String> methods =
                analysis.grid().networks().stream().map(Network::method).distinct().toList();
        List<String> columns = new ArrayList<>(List.of("score"));
        methods.forEach(method -> columns.add(headed(method)));
        List<List<Cell>> rows = new ArrayList<>();
        for (ScoreStudy study : analysis.scores()) {
            List<Cell> row = new ArrayList<>(List.of(Cell.of(study.score().key())));
            methods.forEach(method -> row.add(spearman(study.association(method))));
            rows.add(row);
        }
        return new Sheet("scores-by-method", columns, rows, List.of(queries.scores()));
    }

    /** The most runs of a group that have one score; a cell says where another has fewer. */
    private int runs(String group) {
        return analysis.scores().stream()
                .flatMap(study -> study.association(group).stream())
                .mapToInt(ScoreStudy.Association::runs)
                .max()
                .orElse(0);
    }

    private String headed(String group) {
        return group + ", n\u00a0=\u00a0" + runs(group);
    }

    private Cell spearman(Optional<ScoreStudy.Association> association) {
        return association
                .flatMap(found -> found.spearman()
                        .map(s -> new Cell(
                                Words.correlation(s.value()), interval(s.low(), s.high()) + (found.runs() == runs(found.group()) ? "" : ", n = " + found.runs()),
                                found.runs() < ScoreStudy.ENOUGH_RUNS ? "" : s.low() > 0 ? "up" : s.high() < 0 ? "down" : "")))
                .orElse(Cell.NONE);
    }

    private static String interval(double low, double high) {
        return Words.correlation(low).replace("+", "") + " to " + Words.correlation(high).replace("+", "");
    }

    Sheet cost() {
        List<List<Cell>> rows = new ArrayList<>();
        for (Analysis.Cost cost : analysis.costs()) {
            boolean trained = cost.trainSeconds() > 0;
            rows.add(List.of(
                    name(cost.network()), Cell.of(Integer.toString(cost.runs())),
                    trained ? Cell.of(Words.duration(cost.trainSeconds())) : Cell.NONE,
                    Cell.of(Words.duration(cost.judgeSeconds())),
                    trained ? Cell.of(Words.fixed(cost.imagesPerSecond(), 1)) : Cell.NONE,
                    Cell.of(Words.duration(cost.runs() * (cost.trainSeconds() + cost.judgeSeconds())))));
        }
        return new Sheet(
                "cost", List.of("network", "runs", "training a run", "judging a run", "images/s", "in all"), rows,
                List.of(queries.cost()));
    }

    /** Published against fixed size; empty where the study has one kind. */
    Sheet sizes() {
        List<String> columns = new ArrayList<>(List.of("network"));
        analysis.shares().forEach(share -> columns.add(Words.percent(share) + " defects"));
        columns.add("published less fixed");
        List<List<Cell>> rows = new ArrayList<>();
        for (SetSize size : analysis.sizes()) {
            List<Cell> row = new ArrayList<>(List.of(name(size.network())));
            for (double share : analysis.shares()) {
                Optional<Analysis.Spot> published = analysis.spot(analysis.cut(), size.network(), SetSize.PUBLISHED, share);
                Optional<Analysis.Spot> fixed = analysis.spot(analysis.cut(), size.network(), SetSize.FIXED, share);
                row.add(published.isEmpty() || fixed.isEmpty()
                        ? Cell.NONE
                        : Cell.of(
                                Text.score(published.get().estimate().mean()),
                                "fixed size " + Text.score(fixed.get().estimate().mean())));
            }
            Estimate difference = size.contrast().difference();
            String style = size.holm() > Contrast.LEVEL ? "" : difference.mean() > 0 ? "up" : "down";
            row.add(new Cell(
                    Text.difference(difference.mean()),
                    (Words.interval(difference.low(), difference.high()) + " " + Words.withP(size.holm()) + ", n = "
                                    + size.contrast().pairs())
                            .strip(),
                    style));
            rows.add(row);
        }
        return new Sheet("set-size", columns, rows, List.of(queries.sizes()));
    }
}
