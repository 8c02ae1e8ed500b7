package io.culvert.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.culvert.CulvertException;
import io.culvert.report.AnomalyReport.Point;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class ChartTest {
    @Test
    void ticksAreRoundAndInside() {
        assertThat(new Chart.Range(0, 1).ticks(5)).hasSize(6).last().isEqualTo(1.0);
        assertThat(new Chart.Range(-2.4, 5.6).ticks(6)).containsExactly(-2.0, 0.0, 2.0, 4.0);
        assertThat(new Chart.Range(0, 57150).ticks(8)).containsExactly(0.0, 10000.0, 20000.0, 30000.0, 40000.0,
                50000.0);
    }

    @Test
    void numbersAreShort() {
        assertThat(List.of(Text.tick(0.2), Text.tick(10000), Text.tick(-2), Text.tick(2e-5), Text.tick(0)))
                .containsExactly("0.2", "10\u202f000", "\u22122", "2e\u22125", "0");
        assertThat(Text.percent(0.87349)).isEqualTo("87.3\u202f%");
        assertThat(List.of(Text.difference(0.25), Text.difference(-0.1), Text.difference(-0.0001)))
                .containsExactly("+0.250", "\u22120.100", "±0");
    }

    @Test
    void aConstantLossAndASingleStepCanBeDrawn() {
        assertThat(Charts.loss(List.of(new Point(1, 2.5)))).contains("<path").doesNotContain("NaN");
        assertThat(Charts.learningRate(List.of(new Point(1, 0), new Point(2, 0)))).doesNotContain("NaN");
    }

    @Test
    void aCurveOfAMillionPointsStaysSmall() {
        double[] x = new double[1_000_000];
        Arrays.setAll(x, i -> i / 999_999.0);
        String svg = new Chart(460, 360, "", Chart.Range.UNIT, Chart.Range.UNIT).curve("curve", x, x).close();
        assertThat(svg.length()).isLessThan(30_000);
        assertThat(svg).contains("L446 28");
    }

    @Test
    void smoothingKeepsALineAndBothEnds() {
        double[] line = new double[200];
        Arrays.setAll(line, i -> 3 - 0.01 * i);
        assertThat(Charts.smooth(line)).containsExactly(line, within(1e-12));
    }

    @Test
    void histogramsSumToOneForEachClass() {
        Evaluation evaluation = Evaluation.of(MadeUpReport.scores(1), MadeUpReport.labels(), 0.5, 1);
        assertThat(Arrays.stream(evaluation.scores().sound()).sum()).isCloseTo(1, within(1e-12));
        assertThat(Arrays.stream(evaluation.scores().defective()).sum()).isCloseTo(1, within(1e-12));
        Evaluation flat = Evaluation.of(new double[] {2, 2}, new int[] {0, 1}, 0.5, 1);
        assertThat(flat.scores().high() - flat.scores().low()).isEqualTo(1);
        double[] infinite = {Double.POSITIVE_INFINITY, 0};
        assertThatThrownBy(() -> Evaluation.of(infinite, new int[] {0, 1}, 0, 1))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining("scores reach from 0.0 to Infinity");
    }
}
