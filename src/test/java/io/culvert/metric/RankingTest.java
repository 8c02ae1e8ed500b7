package io.culvert.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.culvert.CulvertException;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RankingTest {
    private static final int N = 307;
    private final double[] scores = new double[N];
    private final int[] labels = new int[N];

    RankingTest() {
        Random random = new Random(5);
        for (int i = 0; i < N; i++) {
            labels[i] = random.nextInt(4) == 0 ? 1 : 0;
            // One decimal, so that many scores are tied.
            scores[i] = Math.round(10 * (random.nextGaussian() + labels[i])) / 10.0;
        }
    }

    @Test
    void aurocIsTheShareOfPairsInOrder() {
        double pairs = 0;
        double ordered = 0;
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < N; j++) {
                if (labels[i] == 1 && labels[j] == 0) {
                    pairs++;
                    ordered += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
                }
            }
        }
        assertThat(Ranking.of(scores, labels).auroc()).isCloseTo(ordered / pairs, within(1e-15));
    }

    @Test
    void aurocSeesOnlyTheOrder() {
        double auroc = Ranking.of(scores, labels).auroc();
        double[] mapped = Arrays.stream(scores).map(s -> Math.exp(3 * s) - 7).toArray();
        double[] negated = Arrays.stream(scores).map(s -> -s).toArray();
        int[] flipped = Arrays.stream(labels).map(l -> 1 - l).toArray();
        assertThat(Ranking.of(mapped, labels).auroc()).isEqualTo(auroc);
        assertThat(Ranking.of(negated, labels).auroc()).isCloseTo(1 - auroc, within(1e-15));
        assertThat(Ranking.of(scores, flipped).auroc()).isCloseTo(1 - auroc, within(1e-15));
        assertThat(Ranking.of(negated, flipped).auroc()).isEqualTo(auroc);
    }

    @Test
    void scoresThatTellNothingGiveHalfAndThePrevalence() {
        Ranking flat = Ranking.of(new double[N], labels);
        assertThat(flat.auroc()).isEqualTo(0.5);
        double prevalence = (double) flat.positives() / N;
        assertThat(flat.averagePrecision()).isCloseTo(prevalence, within(1e-15));
        assertThat(flat.bestF1().f1()).isCloseTo(2 * prevalence / (1 + prevalence), within(1e-15));
    }

    @Test
    void zeroesOfEitherSignAreTied() {
        assertThat(Ranking.of(new double[] {0.0, -0.0}, new int[] {0, 1}).auroc()).isEqualTo(0.5);
    }

    @Test
    void theBestThresholdGivesTheBestF1() {
        Ranking.BestF1 best = Ranking.of(scores, labels).bestF1();
        assertThat(Confusion.at(best.threshold(), scores, labels).f1()).isEqualTo(best.f1());
        for (double threshold : scores) {
            assertThat(Confusion.at(threshold, scores, labels).f1()).isLessThanOrEqualTo(best.f1());
        }
    }

    @Test
    void curvesRunFromCornerToCorner() {
        Ranking ranking = Ranking.of(scores, labels);
        Ranking.Curve roc = ranking.roc();
        assertThat(new double[] {roc.x()[0], roc.y()[0]}).containsExactly(0, 0);
        int last = roc.x().length - 1;
        assertThat(new double[] {roc.x()[last], roc.y()[last]}).containsExactly(1, 1);
        assertThat(roc.x()).isSorted();
        double area = 0;
        for (int i = 1; i <= last; i++) {
            area += (roc.x()[i] - roc.x()[i - 1]) * (roc.y()[i] + roc.y()[i - 1]) / 2;
        }
        assertThat(area).isCloseTo(ranking.auroc(), within(1e-12));
        Ranking.Curve pr = ranking.precisionRecall();
        assertThat(pr.x()[pr.x().length - 1]).isEqualTo(1);
        assertThat(pr.y()[pr.y().length - 1]).isCloseTo((double) ranking.positives() / N, within(1e-15));
    }

    @Test
    void f1AtAnotherPrevalenceFollowsFromTheRates() {
        Confusion c = Confusion.at(0.6, scores, labels);
        double p = c.prevalence();
        double tpr = c.recall();
        double fpr = 1 - c.specificity();
        assertThat(c.f1()).isCloseTo(2 * tpr * p / (tpr * p + p + fpr * (1 - p)), within(1e-12));
    }

    @Test
    void refusesWhatHasNoAnswer() {
        fails(() -> Ranking.of(new double[] {1, Double.NaN}, new int[] {0, 1}), "score 1 is NaN");
        fails(() -> Ranking.of(new double[] {1, 2}, new int[] {0, 2}), "label 1 is 2");
        fails(() -> Ranking.of(new double[] {1, 2}, new int[] {0}), "2 scores but 1 labels");
        fails(() -> Ranking.of(new double[] {1, 2}, new int[] {1, 1}).auroc(), "AUROC needs both classes");
        fails(() -> Ranking.of(new double[] {1, 2}, new int[2]).averagePrecision(), "at least one positive");
        fails(() -> Ranking.of(new double[0], new int[0]).bestF1(), "at least one score");
        fails(() -> Confusion.at(0, new double[] {1}, new int[] {1}).balancedAccuracy(), "needs both classes");
    }

    @Test
    void theBootstrapHoldsTheValueAndRepeats() {
        double auroc = Ranking.of(scores, labels).auroc();
        Bootstrap.Interval interval = Bootstrap.interval(scores, labels, Ranking::auroc, 0.95, 500, 3);
        assertThat(auroc).isBetween(interval.low(), interval.high());
        assertThat(Bootstrap.interval(scores, labels, Ranking::auroc, 0.95, 500, 3)).isEqualTo(interval);
        // The large-sample width of Hanley and McNeil (1982), 2 x 1.96 standard errors, within a quarter.
        Ranking r = Ranking.of(scores, labels);
        double q1 = auroc / (2 - auroc);
        double q2 = 2 * auroc * auroc / (1 + auroc);
        double variance = (auroc * (1 - auroc) + (r.positives() - 1) * (q1 - auroc * auroc)
                + (r.negatives() - 1) * (q2 - auroc * auroc)) / (r.positives() * r.negatives());
        double width = 2 * 1.96 * Math.sqrt(variance);
        assertThat(interval.high() - interval.low()).isBetween(0.75 * width, 1.25 * width);
    }

    private static void fails(Runnable call, String say) {
        assertThatThrownBy(call::run).isInstanceOf(CulvertException.class).hasMessageContaining(say);
    }
}
