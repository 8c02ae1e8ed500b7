package io.culvert.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.bench.conv.ConvShape;
import java.util.List;
import org.junit.jupiter.api.Test;

class TableTest {
    private static Measurement step(String side, Double... seconds) {
        return new Measurement("step", "128,64", side, List.of(seconds), 812.4, Double.NaN, Measurement.First.UNKNOWN);
    }

    @Test
    void medianOfAnEvenNumberOfSamplesIsTheMiddleOfTheTwo() {
        assertThat(step("culvert", 4.0, 1.0, 2.0, 30.0).median()).isEqualTo(3.0);
        assertThat(step("culvert", 4.0, 1.0, 30.0).median()).isEqualTo(4.0);
        assertThat(step("culvert", 4.0, 1.0, 2.0, 30.0).quantile(0.25)).isEqualTo(1.75);
    }

    @Test
    void roundsJoinTheirSamplesAndKeepTheHigherPeakAndTheSteadyHeap() {
        Measurement first = new Measurement("step", "", "djl", List.of(1.0), 100, 64, new Measurement.First(5, 1));
        Measurement both = first.and(
                new Measurement("step", "", "djl", List.of(3.0, 2.0), 90, 16, new Measurement.First(4, 1)));
        assertThat(both.seconds()).containsExactly(1.0, 3.0, 2.0);
        assertThat(both.peakMebibytes()).isEqualTo(100);
        assertThat(both.heapBytes()).isEqualTo(16);
        assertThat(both.first().seconds()).isEqualTo(4);
    }

    @Test
    void ratioSaysHowManyTimesAsLongThePeerTakes() {
        String table = Table.of(List.of(step("culvert", 2.0), step("pytorch eager", 2.9)));
        assertThat(table).containsPattern("culvert +2\\.00 s .* - +1\\.00x +812 MiB");
        assertThat(table).containsPattern("pytorch eager +2\\.90 s .*1\\.45x");
    }

    @Test
    void withoutCulvertThereIsNoRatio() {
        assertThat(Table.of(List.of(step("djl", 2.0)))).doesNotContain("x ").contains("djl");
    }

    @Test
    void timesCarryTheUnitThatSuitsThem() {
        assertThat(Table.time(2.345)).isEqualTo("2.35 s");
        assertThat(Table.time(0.0123)).isEqualTo("12.30 ms");
        assertThat(Table.time(4.2e-6)).isEqualTo("4.20 us");
        assertThat(Table.time(5.13e-9)).isEqualTo("5.1 ns");
    }

    @Test
    void convolutionCountsItsArithmetic() {
        ConvShape stem = ConvShape.parse("2,3,33,47,64,7,2,3");
        assertThat(stem.outHeight()).isEqualTo(17);
        assertThat(stem.outWidth()).isEqualTo(24);
        assertThat(stem.flops()).isEqualTo(2.0 * 2 * 64 * 17 * 24 * 3 * 49);
    }
}
