package io.culvert.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.culvert.CulvertException;
import java.util.Arrays;
import java.util.Random;
import java.util.function.ToDoubleBiFunction;
import org.junit.jupiter.api.Test;

class ComparisonsTest {
    private static double[] normal(int n, long seed, double shift) {
        Random random = new Random(seed);
        return random.doubles(n).map(x -> random.nextGaussian() + shift).toArray();
    }

    @Test
    void signsByHand() {
        // Of the eight sums of 1, 2 and 3 with signs, 6 and -6 are as far from 0 as 6; of 0.1, 0.2, -0.3 all are.
        assertThat(PairedTest.of(new double[] {1, 2, 3}, new double[3], 0, 0)).isEqualTo(new PairedTest(3, 2, 0.25, true));
        assertThat(PairedTest.of(new double[] {0.1, 0.2, 0}, new double[] {0, 0, 0.3}, 0, 0).p()).isEqualTo(1);
        // 3 - 2 - 1 is 0, as far as 1 + 2 - 3 but for rounding: six of eight sums are at least 0.2 from it.
        assertThat(PairedTest.of(new double[] {0.3, 0, 0.1}, new double[] {0, 0.2, 0}, 0, 0).p()).isEqualTo(0.75);
        assertThat(PairedTest.of(new double[4], new double[4], 0, 0).p()).isEqualTo(1);
        assertThat(PairedTest.of(new double[] {5}, new double[1], 0, 0).p()).isEqualTo(1);
    }

    @Test
    void twentyPairsAreCountedAndMoreAreDrawn() {
        double[] x = normal(20, 1, 0.5);
        PairedTest exact = PairedTest.of(x, new double[20], 0, 0);
        assertThat(exact.exact()).isTrue();
        // One more pair that does not differ changes nothing, and has the same test drawn.
        PairedTest drawn = PairedTest.of(Arrays.copyOf(x, 21), new double[21], 20_000, 3);
        assertThat(drawn.exact()).isFalse();
        double error = Math.sqrt(exact.p() * (1 - exact.p()) / 20_000);
        assertThat(drawn.p()).isCloseTo(exact.p(), within(4 * error + 1e-4)).isNotEqualTo(exact.p());
        assertThat(PairedTest.of(Arrays.copyOf(x, 21), new double[21], 20_000, 3)).isEqualTo(drawn);
        // Never 0: the choice at hand is one of them.
        assertThat(PairedTest.of(normal(60, 2, 9), new double[60], 999, 1).p()).isEqualTo(1e-3);
    }

    @Test
    void underTheNullAFewPValuesInAHundredAreBelowFivePercent() {
        int below = 0;
        for (int i = 0; i < 400; i++) {
            below += PairedTest.of(normal(10, 100 + i, 0), new double[10], 0, 0).p() <= 0.05 ? 1 : 0;
        }
        assertThat(below).isBetween(8, 34);
    }

    @Test
    void adjustedByHand() {
        double[] p = {0.01, 0.04, 0.03, 0.005};
        assertThat(Multiplicity.holm(p)).containsExactly(new double[] {0.03, 0.06, 0.06, 0.02}, within(1e-15));
        assertThat(Multiplicity.benjaminiHochberg(p))
                .containsExactly(new double[] {0.02, 0.04, 0.04, 0.02}, within(1e-15));
        assertThat(Multiplicity.holm(new double[] {0.9, 0.8})).containsExactly(1, 1);
        assertThat(Multiplicity.holm(new double[0])).isEmpty();
    }

    @Test
    void intervalsOfCorrelationsHoldTheValueAndRepeat() {
        double[] x = normal(60, 1, 0);
        double[] noise = normal(60, 2, 0);
        double[] y = new double[60];
        Arrays.setAll(y, i -> Math.round(2 * (x[i] + noise[i])));
        for (ToDoubleBiFunction<double[], double[]> correlation :
                Arrays.<ToDoubleBiFunction<double[], double[]>>asList(Correlation::spearman, Correlation::kendall)) {
            Correlation.WithInterval got = Correlation.withInterval(x, y, correlation, 0.95, 500, 4);
            assertThat(got.value()).isEqualTo(correlation.applyAsDouble(x, y)).isBetween(got.low(), got.high());
            assertThat(got.low()).isBetween(0.2, got.value() - 0.05);
            assertThat(got.skipped()).isZero();
            assertThat(Correlation.withInterval(x, y, correlation, 0.95, 500, 4)).isEqualTo(got);
        }
        // A draw of two pairs is the same one twice half the time, and otherwise the correlation is 1.
        Correlation.WithInterval two =
                Correlation.withInterval(new double[] {1, 2}, new double[] {3, 4}, Correlation::spearman, 0.9, 1000, 1);
        assertThat(new double[] {two.value(), two.low(), two.high()}).containsExactly(new double[] {1, 1, 1}, within(1e-15));
        assertThat(two.skipped()).isBetween(440, 560);
    }

    @Test
    void regretOfAScore() {
        double[] metric = {0.6, 0.9, 0.7, 0.8};
        Regret good = Regret.of(new double[] {1, 4, 2, 3}, metric);
        assertThat(good.regret()).isZero();
        assertThat(good.expectedAtRandom()).isCloseTo(0.15, within(1e-15));
        assertThat(Regret.of(new double[] {9, 4, 2, Double.NaN}, metric).regret()).isCloseTo(0.3, within(1e-15));
        // A score that tells nothing chooses at random.
        Regret blind = Regret.of(new double[4], metric);
        assertThat(blind.regret()).isEqualTo(blind.expectedAtRandom());
    }

    @Test
    void everyMetricIsInTheListWithItsWay() {
        double[] scores = {0.9, 0.8, 0.3, 0.6, 0.2, 0.1};
        int[] labels = {1, 1, 1, 0, 0, 0};
        double[] perfect = {1, 1, 1, 0, 0, 0};
        for (Judged metric : Judged.values()) {
            double gain = metric.of(Ranking.of(perfect, labels)) - metric.of(Ranking.of(scores, labels));
            assertThat(metric.higherIsBetter() ? gain : -gain).as(metric.key()).isPositive();
            Bootstrap.Interval interval = metric.interval(scores, labels, 0.95, 100, 1);
            assertThat(metric.of(Ranking.of(scores, labels))).as(metric.key()).isBetween(interval.low(), interval.high());
        }
    }

    @Test
    void refusesWhatHasNoAnswer() {
        fails(() -> PairedTest.of(new double[0], new double[0], 9, 1), "needs pairs");
        fails(() -> PairedTest.of(new double[1], new double[2], 9, 1), "needs pairs");
        fails(() -> PairedTest.of(new double[] {Double.NaN}, new double[1], 9, 1), "pair 0 is NaN");
        fails(() -> Multiplicity.holm(new double[] {0.5, Double.NaN}), "0..1");
        fails(() -> Regret.of(new double[] {Double.NaN}, new double[1]), "none of 1 has a score");
        fails(() -> Regret.of(new double[] {1}, new double[] {Double.NaN}), "a metric of every run");
        fails(() -> Correlation.withInterval(new double[2], new double[] {1, 2}, Correlation::kendall, 0.9, 9, 1), "x to vary");
    }

    private static void fails(Runnable call, String say) {
        assertThatThrownBy(call::run).isInstanceOf(CulvertException.class).hasMessageContaining(say);
    }
}
