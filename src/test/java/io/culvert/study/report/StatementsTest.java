package io.culvert.study.report;

import static io.culvert.study.report.MadeUpGrid.block;
import static io.culvert.study.report.MadeUpGrid.network;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class StatementsTest {
    private static final Network SIMCLR = network("simclr", "vit");
    private static final Network BYOL = network("byol", "vit");
    private static final Network MAE = network("mae", "vit");
    private static final Network PUBLISHED = network("mae as published", "vit");
    private static final Network SUPERVISED = network("supervised", "vit");
    private static final Network SIMCLR_R = network("simclr", "resnet");
    private static final Network BYOL_R = network("byol", "resnet");

    private static Statement statement(Grid grid, String name) {
        return Statements.of(grid, List.of()).stream()
                .filter(statement -> statement.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    /** Joint embedding: means 0.7; MAE 0.6, so +0.1 six times over: p = 1/32. MAE as published 0.8: -0.1. */
    @Test
    void oneHoldsAndOneDoesNot() {
        Grid grid = new MadeUpGrid()
                .put(SIMCLR, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8)
                .put(BYOL, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6)
                .put(MAE, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6)
                .put(PUBLISHED, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8)
                .grid();
        Statement holds = statement(grid, "joint-embedding");
        assertThat(holds.verdict()).isEqualTo(Verdict.SUPPORTS);
        assertThat(holds.findings().getFirst().difference()).isCloseTo(0.1, within(1e-12));
        assertThat(holds.findings().getFirst().p()).isEqualTo(1 / 32.0);
        assertThat(holds.findings().getFirst().n()).isEqualTo(6);
        // Then each method by itself: SimCLR 0.2 above MAE, BYOL level with it.
        assertThat(holds.findings().get(1).difference()).isCloseTo(0.2, within(1e-12));
        assertThat(holds.findings().get(2).p()).isEqualTo(1);
        Statement not = statement(grid, "joint-embedding-mae-as-published");
        assertThat(not.verdict()).isEqualTo(Verdict.CONTRADICTS);
        assertThat(not.findings().getFirst().difference()).isCloseTo(-0.1, within(1e-12));
        assertThat(statement(grid, "supervised").verdict()).isEqualTo(Verdict.UNTESTED);
        assertThat(statement(grid, "rankme").verdict()).isEqualTo(Verdict.UNTESTED);
    }

    /** The same difference in two pairs only: p = 1/2 at least. */
    @Test
    void fewPairsDecideNothing() {
        Grid grid = new MadeUpGrid().put(SIMCLR, 0.8, 0.8).put(MAE, 0.6, 0.6).grid();
        Statement statement = statement(grid, "joint-embedding");
        assertThat(statement.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(statement.findings().getFirst().leastP()).isEqualTo(0.5);
    }

    /**
     * Methods 0.2 apart on either backbone, backbones 0.05 apart with either method: the difference of differences is 0.15. Turned
     * round, -0.15.
     */
    @Test
    void methodAgainstBackbone() {
        Grid methods = new MadeUpGrid()
                .put(SIMCLR, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8)
                .put(BYOL, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6)
                .put(SIMCLR_R, 0.85, 0.85, 0.85, 0.85, 0.85, 0.85)
                .put(BYOL_R, 0.65, 0.65, 0.65, 0.65, 0.65, 0.65)
                .put(MAE, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1)
                .grid();
        Statement holds = statement(methods, "method-or-backbone");
        assertThat(holds.verdict()).isEqualTo(Verdict.SUPPORTS);
        assertThat(holds.findings().getFirst().difference()).isCloseTo(0.15, within(1e-12));
        assertThat(holds.remark()).contains("simclr, byol").doesNotContain("mae");
        // ResNet is ahead with both methods, each time: one backbone wins.
        assertThat(statement(methods, "neither-backbone").verdict()).isEqualTo(Verdict.CONTRADICTS);
        Grid backbones = new MadeUpGrid()
                .put(SIMCLR, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8)
                .put(BYOL, 0.75, 0.75, 0.75, 0.75, 0.75, 0.75)
                .put(SIMCLR_R, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6)
                .put(BYOL_R, 0.95, 0.95, 0.95, 0.95, 0.95, 0.95)
                .grid();
        // Methods 0.05 and 0.35 apart, backbones 0.2 and 0.2: equal means.
        assertThat(statement(backbones, "method-or-backbone").findings().getFirst().difference())
                .isCloseTo(0, within(1e-12));
        assertThat(statement(backbones, "method-or-backbone").verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(statement(backbones, "neither-backbone").verdict()).isEqualTo(Verdict.SUPPORTS);
    }

    /** The best self-supervised row is SimCLR, 0.02 above supervised in every block. */
    @Test
    void supervisedIsHeldAgainstTheBest() {
        Grid grid = new MadeUpGrid()
                .put(SUPERVISED, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7)
                .put(SIMCLR, 0.72, 0.72, 0.72, 0.72, 0.72, 0.72)
                .put(BYOL, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5)
                .grid();
        Statement statement = statement(grid, "supervised");
        assertThat(statement.verdict()).isEqualTo(Verdict.CONTRADICTS);
        assertThat(statement.findings().getFirst().difference()).isCloseTo(-0.02, within(1e-12));
    }

    /** From 45 % to 1 % MAE falls by 0.3, the others by 0.1. */
    @Test
    void whatIsLostWhenDefectsAreRare() {
        MadeUpGrid made = new MadeUpGrid();
        for (long seed = 1; seed <= 6; seed++) {
            made.put(MAE, block(0.45, seed), 0.8).put(MAE, block(0.01, seed), 0.5);
            made.put(BYOL, block(0.45, seed), 0.7).put(BYOL, block(0.01, seed), 0.6);
        }
        Statement statement = statement(made.grid(), "mae-under-imbalance");
        assertThat(statement.verdict()).isEqualTo(Verdict.SUPPORTS);
        assertThat(statement.findings().getFirst().difference()).isCloseTo(0.2, within(1e-12));
        Statement byol = statement(made.grid(), "byol-when-rare");
        assertThat(byol.findings().getFirst().difference()).isCloseTo(0.1, within(1e-12));
        assertThat(byol.findings().getFirst().n()).isEqualTo(6);
    }

    @Test
    void nothingIsKnownOfNothing() {
        Grid one = new MadeUpGrid().put(SIMCLR, 0.8).grid();
        assertThat(Statements.of(one, List.of())).allMatch(statement -> statement.verdict() == Verdict.UNTESTED);
        assertThat(Statements.of(new MadeUpGrid().grid(), List.of())).hasSize(9);
    }
}
