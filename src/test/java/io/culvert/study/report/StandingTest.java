package io.culvert.study.report;

import static io.culvert.study.report.MadeUpGrid.network;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class StandingTest {
    private static final Network A = network("simclr", "r");
    private static final Network B = network("byol", "r");
    private static final Network C = network("dino", "r");

    /** Blocks by hand: ranks of A 1, 1, 2; of B 2, 2.5, 1; of C 3, 2.5, 3. The fourth block lacks C. */
    @Test
    void ranksAreMeansOverCompleteBlocksAndTiesShareThem() {
        Grid grid = new MadeUpGrid()
                .put(C, 0.1, 0.5, 0.2)
                .put(B, 0.2, 0.5, 0.9, 0.9)
                .put(A, 0.3, 0.6, 0.8, 0.1)
                .put(network("simclr", "alone"), 0.9)
                .grid();
        Standing standing = Standing.of(grid).getFirst();
        assertThat(Standing.of(grid)).hasSize(1);
        assertThat(standing.blocks()).isEqualTo(3);
        assertThat(standing.places()).extracting(Standing.Place::network).containsExactly(A, B, C);
        assertThat(standing.places().get(0).rank()).isCloseTo(4 / 3.0, within(1e-12));
        assertThat(standing.places().get(1).rank()).isCloseTo(5.5 / 3, within(1e-12));
        assertThat(standing.places().get(2).rank()).isCloseTo(8.5 / 3, within(1e-12));
        assertThat(standing.places().get(0).value()).isCloseTo(1.7 / 3, within(1e-12));
    }

    /**
     * Six pairs in which A is always above: p = 2 / 64 for A against each other. B against C: differences +1, -1 three times each,
     * so every sign choice is as far from 0: p = 1. Holm: 3 * 1/32, then 2 * 1/32 raised to it, 1.
     */
    @Test
    void pairsAreTestedAndAdjusted() {
        Grid grid = new MadeUpGrid()
                .put(A, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9)
                .put(B, 0.5, 0.6, 0.5, 0.6, 0.5, 0.6)
                .put(C, 0.6, 0.5, 0.6, 0.5, 0.6, 0.5)
                .grid();
        Standing standing = Standing.of(grid).getFirst();
        Standing.Pair ab = standing.pair(B, A).orElseThrow();
        assertThat(ab.first()).isEqualTo(A);
        assertThat(ab.contrast().p()).isEqualTo(1 / 32.0);
        assertThat(ab.contrast().leastP()).isEqualTo(1 / 32.0);
        assertThat(ab.contrast().difference().mean()).isCloseTo(0.35, within(1e-12));
        assertThat(ab.holm()).isCloseTo(3 / 32.0, within(1e-12));
        assertThat(standing.pair(A, C).orElseThrow().holm()).isCloseTo(3 / 32.0, within(1e-12));
        assertThat(standing.pair(B, C).orElseThrow().holm()).isEqualTo(1);
    }

    @Test
    void standsWithoutCommonBlocks() {
        Grid grid = new MadeUpGrid()
                .put(A, MadeUpGrid.block(0.5, 1), 0.6)
                .put(B, MadeUpGrid.block(0.5, 2), 0.7)
                .grid();
        Standing standing = Standing.of(grid).getFirst();
        assertThat(standing.blocks()).isZero();
        assertThat(standing.pairs()).isEmpty();
        assertThat(standing.places()).extracting(Standing.Place::network).isEqualTo(List.of(B, A));
        assertThat(standing.places().getFirst().rank()).isNaN();
    }

    /** Values 1, 2, 6: mean 3, deviation sqrt(7), reach 4.3027 * sqrt(7 / 3). */
    @Test
    void estimates() {
        Estimate estimate = Estimate.of(1, 2, 6);
        assertThat(estimate.mean()).isEqualTo(3);
        assertThat(estimate.deviation()).isCloseTo(Math.sqrt(7), within(1e-12));
        assertThat(estimate.high()).isCloseTo(3 + 4.302653 * Math.sqrt(7 / 3.0), within(1e-5));
        assertThat(Estimate.of(4).low()).isNaN();
        assertThat(Estimate.of(4).hasInterval()).isFalse();
    }
}
