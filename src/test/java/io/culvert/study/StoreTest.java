package io.culvert.study;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.culvert.CulvertException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoreTest {
    @TempDir
    Path folder;

    private Plan plan;

    @BeforeEach
    void plan() throws IOException {
        Files.writeString(folder.resolve("run.yaml"), "data: {csv: a.csv, images: a, val_csv: v.csv}\n");
        Files.writeString(
                folder.resolve("study.yaml"),
                """
                folder: %s
                config: run.yaml
                rows: {simclr: {}, byol: {method.name: byol}}
                train_shares: [0.45, 0.05]
                test_shares: [0.45]
                seeds: [1, 2]
                """.formatted(folder.resolve("it's")));
        plan = Plan.of(StudyConfig.load(folder.resolve("study.yaml"), List.of()));
    }

    private static void finish(PlannedRun run, double auroc) throws IOException {
        Files.createDirectories(run.folder());
        new Sidecar(
                        Sidecar.FORMAT, run.id(), run.evaluation(), run.row(), run.method(), run.backbone(), run.sampling(),
                        run.trainShare(), run.seed(), new Sidecar.Training(100, 45, 20, 1.5),
                        List.of(new Sidecar.Cell("linear probe", 0.45, 50, 22, Map.of("auroc", auroc, "f1", 0.5))),
                        Map.of("rankme", 10 * auroc), new Sidecar.Cost(60, 5), Map.of("device", "cpu"), "2026-01-01T00:00:00Z")
                .write(run.folder());
    }

    @Test
    void aSidecarReadsBack() throws IOException {
        PlannedRun run = plan.runs().getFirst();
        finish(run, 0.75);
        Sidecar read = Sidecar.read(run.folder()).orElseThrow();
        assertThat(read.cells().getFirst().metrics()).containsEntry("auroc", 0.75);
        assertThat(State.isDone(run)).isTrue();
        Files.writeString(run.folder().resolve("sidecar.json"), "{\"format\": 1, ");
        assertThatThrownBy(() -> State.isDone(run)).hasMessageContaining("delete it").isInstanceOf(CulvertException.class);
    }

    @Test
    void meansAndDeviationsOverSeeds() throws IOException {
        double[] aurocs = {0.7, 0.6, 0.5, 0.25, 0.8, 0.65};
        for (int i = 0; i < aurocs.length; i++) {
            finish(plan.runs().get(i), aurocs[i]);
        }
        try (Store store = Store.of(plan)) {
            Tables.Cut cut = new Tables.Cut("auroc", "linear probe", "published", 0.45);
            Tables.check(store, cut);
            Store.Table table = store.query(Tables.byTrainShare(cut, List.of(0.45, 0.05)));
            assertThat(table.columns()).containsExactly("network", "45 % defects", "5 % defects");
            // Deviations worked out by hand: |a - b| / sqrt 2.
            assertThat(table.rows())
                    .containsExactly(
                            Arrays.asList("simclr", "0.750 +- 0.071", "0.500"), Arrays.asList("byol", "0.625 +- 0.035", "0.250"));
            assertThat(store.query("SELECT count(*) FROM runs WHERE images = 100 AND loss = 1.5").rows())
                    .containsExactly(List.of(6L));
            assertThat(store.query("SELECT value FROM scores WHERE score = 'rankme' ORDER BY 1 LIMIT 1").rows())
                    .containsExactly(List.of(2.5));
            assertThat(store.query("SELECT auroc, f1 FROM cells WHERE \"row\" = 'byol' AND seed = 2").rows())
                    .containsExactly(List.of(0.65, 0.5));
        }
    }

    @Test
    void saysWhatThereIsNot() throws IOException {
        assertThatThrownBy(() -> Store.of(plan)).hasMessageContaining("none of its 8 runs is done");
        finish(plan.runs().getFirst(), 0.5);
        try (Store store = Store.of(plan)) {
            assertThatThrownBy(() -> Tables.check(store, new Tables.Cut("aurok", "linear probe", "published", 0.45)))
                    .hasMessage("no metric 'aurok'; there are: auroc, f1");
            assertThatThrownBy(() -> Tables.check(store, new Tables.Cut("auroc", "linear probe", "published", 0.5)))
                    .hasMessageContaining("there are: 0.45");
            assertThatThrownBy(() -> store.query("DELETE FROM runs")).isInstanceOf(CulvertException.class);
            assertThatThrownBy(() -> store.query("SELECT nothing")).isInstanceOf(CulvertException.class);
        }
    }
}
