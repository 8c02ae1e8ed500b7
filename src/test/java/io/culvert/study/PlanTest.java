package io.culvert.study;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.culvert.CulvertException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PlanTest {
    private static final String STUDY =
            """
            config: run.yaml
            keys: {data.image_size: 32}
            rows:
              untrained: {untrained: true}
              simclr: {method.temperature: 0.5}
              mae: {config: vit.yaml, method.name: mae}
            train_shares: [0.45, 0.05]
            test_shares: [0.45, 0.15, 0.05]
            seeds: [1, 2]
            """;

    @TempDir
    Path folder;

    private StudyConfig study(String text, String... overrides) throws IOException {
        Files.writeString(folder.resolve("run.yaml"), "data: {csv: a.csv, images: a, val_csv: v.csv}\nbatch_size: 8\n");
        Files.writeString(
                folder.resolve("vit.yaml"), "data: {csv: a.csv, images: a, val_csv: v.csv}\nmodel: {name: vit_tiny}\n");
        Files.writeString(folder.resolve("study.yaml"), "folder: " + folder.resolve("out") + "\n" + text);
        return StudyConfig.load(folder.resolve("study.yaml"), List.of(overrides));
    }

    @Test
    void hasEveryRowShareAndSeedOnce() throws IOException {
        Plan plan = Plan.of(study(STUDY));
        assertThat(plan.runs()).hasSize(12);
        assertThat(new HashSet<>(plan.runs().stream().map(PlannedRun::id).toList())).hasSize(12);
        assertThat(plan.runs().stream().limit(4).map(PlannedRun::title))
                .containsExactly(
                        "untrained, 45 % defects, seed 1",
                        "simclr, 45 % defects, seed 1",
                        "mae, 45 % defects, seed 1",
                        "untrained, 5 % defects, seed 1");
        PlannedRun mae = plan.runs().get(2);
        assertThat(mae.config().model().name()).isEqualTo("vit_tiny");
        assertThat(mae.config().data().imageSize()).isEqualTo(32);
        assertThat(mae.config().data().defectShare()).hasValue(0.45);
        assertThat(mae.testShares()).containsExactly(0.45, 0.15, 0.05);
        assertThat(mae.folder()).isEqualTo(folder.resolve("out/runs").resolve(mae.id()));
        assertThat(plan.runs().get(1).config().method().temperature()).isEqualTo(0.5);
    }

    @Test
    void writesItselfAndReadsItBack() throws IOException {
        Plan plan = Plan.of(study(STUDY));
        plan.write();
        assertThat(Plan.read(folder.resolve("out"))).isEqualTo(plan);
    }

    /** How a network is judged does not decide how it is trained: pre-training is not repeated for it. */
    @Test
    void anIdIsOfWhatIsTrained() throws IOException {
        PlannedRun before = Plan.of(study(STUDY)).runs().getFirst();
        PlannedRun probe = Plan.of(study(STUDY, "probe.knn=5")).runs().getFirst();
        assertThat(probe.id()).isEqualTo(before.id());
        assertThat(probe.evaluation()).isNotEqualTo(before.evaluation());
        PlannedRun tests = Plan.of(study(STUDY.replace("0.45, 0.15, 0.05", "0.45"))).runs().getFirst();
        assertThat(tests.id()).isEqualTo(before.id());
        assertThat(tests.evaluation()).isNotEqualTo(before.evaluation());
        PlannedRun rate = Plan.of(study(STUDY, "optim.lr=0.7")).runs().getFirst();
        assertThat(rate.id()).isNotEqualTo(before.id());
        assertThat(rate.evaluation()).isEqualTo(before.evaluation());
    }

    @Test
    void aRowWithoutPicturesGetsTheSyntheticOnes() throws IOException {
        String drawn = STUDY + "synthetic: {folder: drawn, train: 10, val: 10}\n";
        assertThat(Plan.of(study(drawn)).runs().getFirst().config().data().csv())
                .isEqualTo(Path.of("drawn/SewerML_Train.csv"));
        Path own = folder.resolve("own.csv");
        Files.writeString(own, "");
        assertThat(Plan.of(study(drawn, "data.csv=" + own)).runs().getFirst().config().data().csv()).isEqualTo(own);
    }

    @Test
    void refusesTheSameRunTwice() {
        assertFault(STUDY.replace("{method.temperature: 0.5}", "{}\n  again: {}"), "rows.again: is the same run as rows.simclr");
    }

    @Test
    void saysWhichKeyIsWrong() {
        assertFault(STUDY + "seedz: [1]\n", "study.yaml: seedz: no such key; did you mean 'seeds'?");
        assertFault(STUDY.replace("0.05]\nseeds", "1.5]\nseeds"), "test_shares: a share is above 0 and below 1, got 1.5");
        assertFault(STUDY.replace("[1, 2]", "[1, 1]"), "seeds: 1 is listed twice");
        assertFault(STUDY.replace("train_shares", "trainshares"), "train_shares: expected a list");
        assertFault(STUDY.replace("method.temperature: 0.5", "method.temprature: 0.5"), "method.temprature: no such key");
        assertFault(STUDY.replace("config: run.yaml", "name: x"), "rows.untrained.config: must be given");
        assertFault(STUDY.replace("[0.45, 0.05]", "[0.45, 0.05"), "study.yaml:9:");
        assertFault(STUDY + "sampling: [other]\n", "sampling: unknown 'other'");
    }

    private void assertFault(String text, String message) {
        assertThatThrownBy(() -> Plan.of(study(text)))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining(message)
                .satisfies(e -> assertThat(((CulvertException) e).kind()).isEqualTo(CulvertException.Kind.USAGE));
    }
}
