package io.culvert.study.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Holds the orderings that the study states in its abstract, or that summaries of it report, against runs. All verdicts come
 * out of the numbers.
 */
final class Statements {
    private static final String PAIRED =
            "supports: the difference is above 0 and p at most 0.05; contradicts: below 0 and p at most 0.05";
    /** A rank correlation below which a score is not called a measure of quality. */
    private static final double USEFUL = 0.5;

    private final Grid grid;
    private final List<ScoreStudy> scores;

    private Statements(Grid grid, List<ScoreStudy> scores) {
        this.grid = grid;
        this.scores = scores;
    }

    /** @param grid AUROC, or another metric of which more is better */
    static List<Statement> of(Grid grid, List<ScoreStudy> scores) {
        Statements all = new Statements(grid, scores);
        return List.of(
                all.jointEmbedding("joint-embedding", "Joint-embedding methods rank above reconstruction (MAE).",
                        Network::isJointEmbedding, Network.MAE, ""),
                all.jointEmbedding(
                        "joint-embedding-mae-as-published",
                        "The same, with MAE as the public code of the study runs it.", Network::isJointEmbedding,
                        Network.MAE_AS_PUBLISHED,
                        "In the public snapshot of the code, which is later than the paper, MAE's encoder receives no gradient"
                                + " and keeps its initial weights; these rows do the same. Whether the published numbers came"
                                + " from that snapshot is not known."),
                all.jointEmbedding(
                        "simclr-and-barlow-twins", "SimCLR and Barlow Twins in particular rank above MAE.",
                        network -> Set.of("simclr", "barlow_twins").contains(network.method()), Network.MAE, ""),
                all.maeUnderImbalance(),
                all.methodOrBackbone(),
                all.rankMe(),
                all.supervised(),
                all.backbones(),
                all.byol());
    }

    private Statement jointEmbedding(
            String name, String published, Predicate<Network> which, String mae, String remark) {
        List<Contrast> contrasts = new ArrayList<>();
        List<Double> first = new ArrayList<>();
        List<Double> second = new ArrayList<>();
        for (Network reconstruction : grid.networks(network -> network.method().equals(mae))) {
            List<Network> above = on(reconstruction.backbone(), which);
            for (Block block : above.isEmpty() ? List.<Block>of() : grid.complete(with(above, reconstruction))) {
                first.add(grid.mean(above, block));
                second.add(grid.value(reconstruction, block));
            }
            for (Network one : above) {
                contrast(one.row() + " less " + reconstruction.row(), grid.complete(List.of(one, reconstruction)),
                                block -> grid.value(one, block), block -> grid.value(reconstruction, block))
                        .ifPresent(contrasts::add);
            }
        }
        return paired(name, published, contrast("their mean less " + mae, first, second), contrasts, remark);
    }

    private Statement maeUnderImbalance() {
        List<Double> shares = grid.blocks().stream().map(Block::share).distinct().sorted().toList();
        List<Double> first = new ArrayList<>();
        List<Double> second = new ArrayList<>();
        String what = "MAE's loss less that of joint-embedding methods";
        if (shares.size() > 1) {
            double least = shares.getFirst();
            double most = shares.getLast();
            what += ", %s to %s defects".formatted(Words.percent(most), Words.percent(least));
            for (Network mae : grid.networks(network -> network.method().equals(Network.MAE))) {
                List<Network> others = on(mae.backbone(), Network::isJointEmbedding);
                List<Block> complete = others.isEmpty() ? List.of() : grid.complete(with(others, mae));
                for (Block block : complete) {
                    Block rare = new Block(block.sampling(), least, block.seed());
                    if (block.share() == most && complete.contains(rare)) {
                        first.add(grid.value(mae, block) - grid.value(mae, rare));
                        second.add(grid.mean(others, block) - grid.mean(others, rare));
                    }
                }
            }
        }
        return paired(
                "mae-under-imbalance", "MAE loses more than the others when defects become rare.",
                contrast(what, first, second), List.of(), "");
    }

    private Statement methodOrBackbone() {
        List<Network> networks = new ArrayList<>(grid.networks(Network::isSelfSupervised));
        // Methods on every backbone: the others say nothing about backbones.
        Map<String, List<Network>> methods = new LinkedHashMap<>();
        networks.forEach(network -> methods.computeIfAbsent(network.method(), key -> new ArrayList<>()).add(network));
        long backbones = networks.stream().map(Network::backbone).distinct().count();
        methods.values().removeIf(
                rows -> backbones < 2 || rows.size() != backbones
                        || rows.stream().map(Network::backbone).distinct().count() != backbones);
        networks.removeIf(network -> !methods.containsKey(network.method()));
        List<Double> first = new ArrayList<>();
        List<Double> second = new ArrayList<>();
        if (methods.size() > 1) {
            for (Block block : grid.complete(networks)) {
                first.add(apart(networks, block, Network::backbone));
                second.add(apart(networks, block, Network::method));
            }
        }
        return paired(
                "method-or-backbone", "The choice of the self-supervised method matters more than that of the backbone.",
                contrast("how far two methods on one backbone lie apart, less two backbones with one method", first, second),
                List.of(), "Mean absolute differences over the methods that every backbone has: "
                        + (methods.size() > 1 ? String.join(", ", methods.keySet()) : "fewer than two") + ".");
    }

    /** Mean absolute difference of two networks that have something in common. */
    private double apart(List<Network> networks, Block block, Function<Network, String> common) {
        return IntStream.range(0, networks.size())
                .boxed()
                .flatMap(i -> IntStream.range(0, i)
                        .filter(j -> common.apply(networks.get(i)).equals(common.apply(networks.get(j))))
                        .mapToObj(j -> Math.abs(grid.value(networks.get(i), block) - grid.value(networks.get(j), block))))
                .mapToDouble(difference -> difference)
                .average()
                .orElseThrow();
    }

    private Statement rankMe() {
        List<Statement.Finding> findings = new ArrayList<>();
        for (ScoreStudy study : scores) {
            if (study.score().key().equals("rankme")) {
                for (String group : List.of(ScoreStudy.SELF_SUPERVISED, ScoreStudy.ALL)) { // the first decides
                    study.association(group)
                            .flatMap(found -> found.spearman().map(s -> new Statement.Finding(
                                    "Spearman's correlation with the metric, " + group, s.value(), s.low(), s.high(), Double.NaN,
                                    found.runs(), Double.NaN)))
                            .ifPresent(findings::add);
                }
            }
        }
        Verdict verdict = Verdict.UNTESTED;
        if (!findings.isEmpty()) {
            Statement.Finding found = findings.getFirst();
            verdict = found.n() < ScoreStudy.ENOUGH_RUNS || found.low() <= USEFUL && found.high() >= USEFUL
                    ? Verdict.UNDECIDED
                    : found.high() < USEFUL ? Verdict.SUPPORTS : Verdict.CONTRADICTS;
        }
        return new Statement(
                "rankme", "RankMe does not assess the quality of a representation well enough to select by it.",
                "supports: the 95 %% interval of the correlation over at least %d self-supervised runs lies below %s; contradicts: above"
                        .formatted(ScoreStudy.ENOUGH_RUNS, USEFUL),
                findings,
                verdict, "Features of our own encoding of training images; the study logged it on batches while training.");
    }

    private Statement supervised() {
        List<Double> first = new ArrayList<>();
        List<Double> second = new ArrayList<>();
        List<Contrast> contrasts = new ArrayList<>();
        for (Network supervised : grid.networks(network -> network.method().equals(Network.SUPERVISED))) {
            List<Network> rivals = on(supervised.backbone(), Network::isSelfSupervised);
            List<Block> complete = rivals.isEmpty() ? List.of() : grid.complete(with(rivals, supervised));
            Optional<Network> best = rivals.stream()
                    .max(Comparator.comparingDouble(network -> complete.stream()
                            .mapToDouble(block -> grid.value(network, block))
                            .sum()));
            for (Block block : complete) {
                first.add(grid.value(supervised, block));
                second.add(grid.value(best.orElseThrow(), block));
            }
            if (!complete.isEmpty()) {
                Network rival = best.orElseThrow();
                contrast(supervised.row() + " less " + rival.row(), complete, block -> grid.value(supervised, block),
                                block -> grid.value(rival, block))
                        .ifPresent(contrasts::add);
            }
        }
        return paired(
                "supervised", "Self-supervised networks trail supervised ones.",
                contrast("supervised less the best self-supervised row of the same backbone", first, second), contrasts,
                "Both are read by a probe on frozen features. The best row is best on average over these very runs, which"
                        + " favours it.");
    }

    private Statement backbones() {
        List<String> names = grid.backbones();
        List<Contrast> contrasts = new ArrayList<>();
        if (names.size() == 2) {
            for (Network one : on(names.getFirst(), Network::isSelfSupervised)) {
                for (Network other : on(names.getLast(), network -> network.method().equals(one.method()))) {
                    contrast(one.row() + " less " + other.row(), grid.complete(List.of(one, other)),
                                    block -> grid.value(one, block), block -> grid.value(other, block))
                            .ifPresent(contrasts::add);
                }
            }
        }
        boolean ahead = contrasts.stream().anyMatch(contrast -> contrast.verdict() == Verdict.SUPPORTS);
        boolean behind = contrasts.stream().anyMatch(contrast -> contrast.verdict() == Verdict.CONTRADICTS);
        boolean clear = contrasts.stream().allMatch(contrast -> contrast.verdict() != Verdict.UNDECIDED);
        Verdict verdict = contrasts.size() < 2
                ? Verdict.UNTESTED
                : ahead && behind ? Verdict.SUPPORTS : clear ? Verdict.CONTRADICTS : Verdict.UNDECIDED;
        return new Statement(
                "neither-backbone", "Neither backbone wins consistently (from summaries of the paper).",
                "supports: one backbone is ahead with one method and behind with another, both with p at most 0.05;"
                        + " contradicts: the same one is ahead with every method, each with p at most 0.05",
                contrasts.stream().map(Statement.Finding::of).toList(), verdict, "");
    }

    private Statement byol() {
        Optional<Double> least = grid.blocks().stream().map(Block::share).min(Comparator.naturalOrder());
        List<Double> first = new ArrayList<>();
        List<Double> second = new ArrayList<>();
        for (Network byol : grid.networks(network -> network.method().equals("byol"))) {
            List<Network> others =
                    on(byol.backbone(), network -> network.isSelfSupervised() && !network.method().equals("byol"));
            List<Block> rare = new ArrayList<>(others.isEmpty() ? List.of() : grid.complete(with(others, byol)));
            rare.removeIf(block -> block.share() != least.orElseThrow());
            Optional<Network> best = others.stream()
                    .max(Comparator.comparingDouble(
                            network -> rare.stream().mapToDouble(block -> grid.value(network, block)).sum()));
            for (Block block : rare) {
                first.add(grid.value(byol, block));
                second.add(grid.value(best.orElseThrow(), block));
            }
        }
        String share = least.map(value -> ", " + Words.percent(value) + " defects").orElse("");
        return paired(
                "byol-when-rare", "BYOL holds up best where defects are rarest (from summaries of the paper: at 1 %).",
                contrast("byol less the best other self-supervised row of the same backbone" + share, first, second),
                List.of(), "");
    }

    private List<Network> on(String backbone, Predicate<Network> which) {
        return grid.networks(network -> network.backbone().equals(backbone) && which.test(network));
    }

    private static List<Network> with(List<Network> networks, Network one) {
        List<Network> all = new ArrayList<>(networks);
        all.add(one);
        return all;
    }

    private static Optional<Contrast> contrast(
            String what, List<Block> blocks, ToDoubleFunction<Block> first, ToDoubleFunction<Block> second) {
        return blocks.isEmpty()
                ? Optional.empty()
                : Optional.of(Contrast.of(
                        what, blocks.stream().mapToDouble(first).toArray(), blocks.stream().mapToDouble(second).toArray()));
    }

    private static Optional<Contrast> contrast(String what, List<Double> first, List<Double> second) {
        return first.isEmpty()
                ? Optional.empty()
                : Optional.of(Contrast.of(what, array(first), array(second)));
    }

    private static double[] array(List<Double> values) {
        return values.stream().mapToDouble(value -> value).toArray();
    }

    private static Statement paired(
            String name, String published, Optional<Contrast> main, List<Contrast> parts, String remark) {
        List<Statement.Finding> findings = new ArrayList<>();
        main.map(Statement.Finding::of).ifPresent(findings::add);
        if (parts.size() > 1) {
            parts.stream().map(Statement.Finding::of).forEach(findings::add);
        }
        return new Statement(
                name, published, PAIRED, findings, main.map(Contrast::verdict).orElse(Verdict.UNTESTED), remark);
    }
}
