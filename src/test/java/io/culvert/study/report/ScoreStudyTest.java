package io.culvert.study.report;

import static io.culvert.study.report.MadeUpGrid.network;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ScoreStudyTest {
    private static final Network SIMCLR = network("simclr", "vit");
    private static final Network BYOL = network("byol", "vit");
    private static final Network UNTRAINED = network("untrained", "vit");
    private static final Grid METRIC = new MadeUpGrid()
            .put(SIMCLR, 0.8, 0.82, 0.84)
            .put(BYOL, 0.6, 0.62, 0.64)
            .put(UNTRAINED, 0.5, 0.52, 0.54)
            .grid();

    private static List<ScoreStudy> study(Map<String, Grid> scores) {
        return ScoreStudy.of(new Results(9, METRIC.networks(), List.of(), List.of(), Map.of(), scores), METRIC);
    }

    /** Coherence counts as better when it is low: minus the metric is a perfect score. RankMe here is what it should not be. */
    @Test
    void aPerfectScoreAndAReversedOne() {
        Grid noise = new MadeUpGrid().put(SIMCLR, 1, 5, 3).put(BYOL, 4, 2, 6).put(UNTRAINED, 5, 1, 2).grid();
        List<ScoreStudy> studies = study(Map.of(
                "lidar", noise, "coherence", METRIC.map(value -> -value), "rankme", METRIC.map(value -> 100 - 50 * value)));
        // The strongest first, whichever way; those of no known name or without runs are not there.
        assertThat(studies).extracting(study -> study.score().key()).last().isEqualTo("lidar");
        ScoreStudy coherence = studies.get(1);
        assertThat(coherence.score().key()).isEqualTo("coherence");
        ScoreStudy.Association all = coherence.association(ScoreStudy.ALL).orElseThrow();
        assertThat(all.runs()).isEqualTo(9);
        assertThat(all.spearman().orElseThrow().value()).isCloseTo(1, within(1e-12));
        assertThat(all.kendall().orElseThrow().value()).isCloseTo(1, within(1e-12));
        ScoreStudy rankMe = studies.getFirst();
        assertThat(rankMe.association(ScoreStudy.ALL).orElseThrow().spearman().orElseThrow().value())
                .isCloseTo(-1, within(1e-12));
        assertThat(rankMe.association(ScoreStudy.SELF_SUPERVISED).orElseThrow().runs()).isEqualTo(6);
        // Three runs of a method are too few for a correlation.
        assertThat(rankMe.association("byol").orElseThrow().spearman()).isEmpty();
    }

    /** By hand: the oracle takes SimCLR, 0.82 on average; the reversed score BYOL, 0.62; chance 0.72. */
    @Test
    void regretOfSelecting() {
        List<ScoreStudy> studies =
                study(Map.of("coherence", METRIC.map(value -> -value), "rankme", METRIC.map(value -> 100 - 50 * value)));
        ScoreStudy.Selection reversed = studies.getFirst().selection().orElseThrow();
        assertThat(reversed.blocks()).isEqualTo(3);
        assertThat(reversed.regret()).isCloseTo(0.2, within(1e-12));
        assertThat(reversed.atRandom()).isCloseTo(0.1, within(1e-12));
        assertThat(studies.get(1).selection().orElseThrow().regret()).isCloseTo(0, within(1e-12));
    }

    /** A network without the score can be the best and is never selected. */
    @Test
    void whatHasNoScoreIsNotSelected() {
        Grid some = new MadeUpGrid().put(BYOL, 1, 2, 3).put(UNTRAINED, 3, 2, 1).grid();
        ScoreStudy study = study(Map.of("rankme", some)).getFirst();
        assertThat(study.points()).hasSize(6);
        assertThat(study.selection().orElseThrow().regret()).isCloseTo(0.2, within(1e-12));
    }

    @Test
    void aConstantScoreHasNoCorrelation() {
        ScoreStudy study = study(Map.of("rankme", METRIC.map(value -> 3))).getFirst();
        assertThat(study.association(ScoreStudy.ALL).orElseThrow().spearman()).isEmpty();
        assertThat(study(Map.of())).isEmpty();
    }

    /** The statement about RankMe follows from its correlation: of -1 and of +1 over 12 runs. Nine of them decide nothing. */
    @Test
    void rankMeIsJudgedByItsInterval() {
        MadeUpGrid made = new MadeUpGrid();
        for (int i = 0; i < 12; i++) {
            made.put(i % 2 == 0 ? SIMCLR : BYOL, MadeUpGrid.block(0.5, i), 0.5 + 0.01 * i);
        }
        Grid metric = made.grid();
        Grid nine = metric.only(network -> true, block -> block.seed() < 9);
        assertThat(rankMe(nine, 1).verdict()).isEqualTo(Verdict.UNDECIDED);
        for (int sign : new int[] {1, -1}) {
            Statement statement = rankMe(metric, sign);
            assertThat(statement.verdict()).isEqualTo(sign > 0 ? Verdict.CONTRADICTS : Verdict.SUPPORTS);
            assertThat(statement.findings().getFirst().difference()).isCloseTo(sign, within(1e-12));
        }
    }

    /** With a score that is the metric, or its negative. */
    private static Statement rankMe(Grid metric, int sign) {
        Results results = new Results(
                12, metric.networks(), List.of(), List.of(), Map.of(), Map.of("rankme", metric.map(value -> sign * value)));
        return Statements.of(metric, ScoreStudy.of(results, metric)).stream()
                .filter(one -> one.name().equals("rankme"))
                .findFirst()
                .orElseThrow();
    }
}
