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

    @Test
    void theBootstrapOfCountsIsThatOfScoresSortedAnew() {
        Bootstrap.Interval counted = Bootstrap.interval(scores, labels, r -> r.bestF1().threshold() + r.auroc(), 0.9, 200, 7);
        Bootstrap.Interval sorted = Bootstrap.ofImages(labels, drawn -> {
            Ranking ranking = Ranking.of(
                    Arrays.stream(drawn).mapToDouble(i -> scores[i]).toArray(),
                    Arrays.stream(drawn).map(i -> labels[i]).toArray());
            return ranking.bestF1().threshold() + ranking.auroc();
        }, 0.9, 200, 7);
        assertThat(counted).isEqualTo(sorted);
    }

    @Test
    void operatingPointsAreStepsOfTheCurve() {
        // Thresholds in falling order reach (false alarms, recall) = (0, 1/4) (1/4, 1/4) (1/4, 3/4) (1, 1).
        Ranking r = Ranking.of(
                new double[] {9, 8, 7, 7, 1, 1, 1, 1}, new int[] {1, 0, 1, 1, 1, 0, 0, 0});
        double[] rates = {0, 0.24, 0.25, 0.5, 0.99, 1};
        assertThat(Arrays.stream(rates).map(r::recallAtFalseAlarms).toArray())
                .containsExactly(0.25, 0.25, 0.75, 0.75, 0.75, 1);
        double[] recalls = {0, 0.25, 0.26, 0.75, 0.76, 1};
        assertThat(Arrays.stream(recalls).map(r::falseAlarmsAtRecall).toArray())
                .containsExactly(0, 0, 0.25, 0.25, 1, 1);
        // Nothing called positive is a point too: no threshold has no false alarm here.
        assertThat(Ranking.of(new double[] {2, 1}, new int[] {0, 1}).recallAtFalseAlarms(0.5)).isZero();
        fails(() -> r.falseAlarmsAtRecall(1.01), "at most 1");
    }

    @Test
    void countsAtAThresholdAreThoseOfTheScores() {
        Ranking ranking = Ranking.of(scores, labels);
        for (double threshold : new double[] {-99, -0.55, 0, 0.5, 0.7, 99}) {
            assertThat(ranking.at(threshold)).isEqualTo(Confusion.at(threshold, scores, labels));
        }
    }

    @Test
    void calibrationByHand() {
        Ranking r = Ranking.of(new double[] {0.25, 0.25, 0.75, 1}, new int[] {0, 1, 1, 1});
        // In two bins the left one holds 0.25 twice with one defect, the right one 0.75 and 1 with two.
        assertThat(Calibration.error(r, 2)).isCloseTo((2 * 0.25 + 2 * 0.125) / 4, within(1e-15));
        assertThat(Calibration.brier(r)).isCloseTo((0.0625 + 0.5625 + 0.0625) / 4, within(1e-15));
        assertThat(Calibration.logLoss(r)).isCloseTo(-(2 * Math.log(0.75) + Math.log(0.25)) / 4, within(1e-15));
        fails(() -> Calibration.error(Ranking.of(new double[] {2, 0}, new int[] {0, 1}), 15), "sigmoid first");
        fails(() -> Calibration.brier(Ranking.of(new double[0], new int[0])), "at least one score");
    }

    @Test
    void binaryF2CreditsTheClassesOfAnImageThatIsCalledDefective() {
        int[] codes = {1, 0, 0, /**/ 1, 1, 0, /**/ 0, 0, 0};
        double[] weights = {1, 0.5, 9};
        double half = 5 * 0.5 / 4.5;
        assertThat(MultiLabel.binaryF2Ciw(new double[] {0.1, 0.9, 0.9}, codes, 0.5, weights))
                .isCloseTo((half + 0.5) / 1.5, within(1e-15));
        fails(() -> MultiLabel.binaryF2Ciw(new double[3], new int[9], 0.5, weights), "got none in 3 images");
        fails(() -> MultiLabel.binaryF2Ciw(new double[3], new int[6], 0.5, weights), "3 labels a score");
    }

    private static void fails(Runnable call, String say) {
        assertThatThrownBy(call::run).isInstanceOf(CulvertException.class).hasMessageContaining(say);
    }
}
