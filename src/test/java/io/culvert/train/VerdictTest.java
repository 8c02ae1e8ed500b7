package io.culvert.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.train.Verdict.Finding;
import io.culvert.train.Verdict.Point;
import io.culvert.train.Verdict.Rank;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class VerdictTest {
    private static final long GRACE = 100;
    private static final double TRIVIAL = Math.log(511);

    private final List<Finding> findings = new ArrayList<>();

    private static Point healthy(long step) {
        return new Point(step, 3, 0.9, new Rank(120, 256), new Rank(60, 256));
    }

    private static Point spread(long step, double spread) {
        return new Point(step, 3, spread, Rank.NONE, Rank.NONE);
    }

    private void feed(Verdict verdict, Point... points) {
        for (Point point : points) {
            findings.addAll(verdict.add(point));
        }
    }

    @Test
    void aHealthyRunIsCalledSo() {
        Verdict verdict = new Verdict(TRIVIAL, GRACE);
        for (int step = 10; step <= 300; step += 10) {
            feed(verdict, healthy(step));
        }
        assertThat(findings).isEmpty();
        assertThat(verdict.close().line()).isEqualTo(
                "healthy: no sign of collapse, std*sqrt(d) 0.90, RankMe of the embeddings 120.0 of 256");
    }

    @Test
    void embeddingsThatPointOneWayAreToldOnceWithTheFirstStep() {
        Verdict verdict = new Verdict(TRIVIAL, GRACE);
        for (int step = 10; step <= 200; step += 10) {
            feed(verdict, spread(step, 0.02));
        }
        assertThat(findings).hasSize(1);
        assertThat(findings.getFirst().since()).as("the grace does not count").isEqualTo(110);
        assertThat(findings.getFirst().line())
                .startsWith("collapse: the embeddings point one way: std*sqrt(d) is 0.020")
                .contains("since step 110")
                .contains("try: lower optim.lr");
        assertThat(verdict.close().state()).isEqualTo("collapsed");
    }

    @Test
    void threeLowValuesAreNoCollapseAndTheThresholdItselfIsHealthy() {
        Verdict verdict = new Verdict(TRIVIAL, GRACE);
        for (int step = 110; step <= 400; step += 10) {
            feed(verdict, spread(step, step % 40 == 0 ? Verdict.LEAST_SPREAD : 0.01));
        }
        assertThat(findings).isEmpty();
        assertThat(verdict.close().state()).isEqualTo("healthy");
    }

    @Test
    void recoveryIsToldAndRemembered() {
        Verdict verdict = new Verdict(TRIVIAL, GRACE);
        for (int step = 110; step <= 150; step += 10) {
            feed(verdict, spread(step, 0.01));
        }
        for (int step = 160; step <= 300; step += 10) {
            feed(verdict, spread(step, 0.8));
        }
        assertThat(findings).extracting(Finding::state).containsExactly("collapse", "recovered");
        assertThat(verdict.close().state()).isEqualTo("healthy");
        assertThat(verdict.close().what()).contains("steps 110 to 160: the embeddings point one way");
    }

    /** RankMe is measured now and then: lines without it neither count nor end what was seen. */
    @Test
    void ranksCountByMeasurement() {
        for (boolean features : new boolean[] {false, true}) {
            findings.clear();
            Verdict verdict = new Verdict(TRIVIAL, GRACE);
            Rank low = new Rank(12.7, 256);
            for (int step = 110; step <= 600; step += 10) {
                boolean measured = step % 100 == 0;
                Rank rank = measured ? low : Rank.NONE;
                feed(verdict, new Point(step, 3, 0.9, features ? Rank.NONE : rank, features ? rank : Rank.NONE));
            }
            assertThat(findings).hasSize(1);
            assertThat(findings.getFirst().what()).contains(features ? "features" : "embeddings").contains("RankMe is 12.7 of 256");
            assertThat(findings.getFirst().since()).isEqualTo(200);
        }
        Verdict verdict = new Verdict(TRIVIAL, GRACE);
        for (int step = 110; step <= 600; step += 10) {
            assertThat(verdict.add(new Point(step, 3, 0.9, new Rank(12.9, 256), new Rank(12.9, 256)))).isEmpty();
        }
    }

    @Test
    void aLossAtItsTrivialValueIsTold() {
        Verdict verdict = new Verdict(TRIVIAL, GRACE);
        for (int step = 10; step <= 200; step += 10) {
            feed(verdict, new Point(step, TRIVIAL * 1.004, 0.9, Rank.NONE, Rank.NONE));
        }
        assertThat(findings).hasSize(1);
        assertThat(findings.getFirst().what()).contains("answers the same to every image").contains("6.2364");
        Verdict away = new Verdict(TRIVIAL, GRACE);
        for (int step = 10; step <= 200; step += 10) {
            assertThat(away.add(new Point(step, TRIVIAL * 0.99, 0.9, Rank.NONE, Rank.NONE))).isEmpty();
        }
    }

    /** BYOL's loss may end near 0, but must not begin there. */
    @Test
    void aLossWhoseLeastIsTrivialCountsAtTheBeginningOnly() {
        Verdict early = new Verdict(0, GRACE);
        for (int step = 10; step <= 60; step += 10) {
            feed(early, new Point(step, 0.001, 0.9, Rank.NONE, Rank.NONE));
        }
        assertThat(findings).hasSize(1);
        assertThat(findings.getFirst().since()).isEqualTo(10);
        for (int step = 70; step <= 300; step += 10) {
            feed(early, new Point(step, 0.5, 0.9, Rank.NONE, Rank.NONE));
        }
        assertThat(early.close().state()).as("it went away").isEqualTo("healthy");
        Verdict late = new Verdict(0, GRACE);
        for (int step = 10; step <= 900; step += 10) {
            assertThat(late.add(new Point(step, step < 200 ? 1.5 : 0.001, 0.9, Rank.NONE, Rank.NONE))).isEmpty();
        }
    }

    @Test
    void aMethodWithoutATrivialLossIsNotJudgedByIt() {
        Verdict verdict = new Verdict(Double.NaN, 0);
        for (int step = 10; step <= 200; step += 10) {
            assertThat(verdict.add(new Point(step, 0, 0.9, Rank.NONE, Rank.NONE))).isEmpty();
        }
    }

    @Test
    void tooFewLinesGiveNoVerdict() {
        Verdict verdict = new Verdict(TRIVIAL, GRACE);
        for (int step = 10; step <= 130; step += 10) {
            feed(verdict, healthy(step));
        }
        assertThat(verdict.close().state()).isEqualTo("undecided");
        assertThat(verdict.close().what()).contains("only 3 log lines after step 100");
    }
}
