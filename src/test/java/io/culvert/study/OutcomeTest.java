package io.culvert.study;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** docs/study is the outcome of configs/study-small.yaml as it stands: a changed recipe would be other runs. */
class OutcomeTest {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

    @Test
    void committedResultsAreThoseOfTheCommittedStudy() {
        Plan plan = Plan.of(StudyConfig.load(ROOT.resolve("configs/study-small.yaml"), List.of()));
        assertThat(plan.runs()).hasSize(70).allSatisfy(run -> {
            Optional<Sidecar> sidecar = Sidecar.read(ROOT.resolve("docs/study/runs").resolve(run.id()));
            assertThat(sidecar).as("%s %s: run the study again, or note that docs/study is of another", run.id(), run.title())
                    .isPresent();
            assertThat(sidecar.get().evaluation()).isEqualTo(run.evaluation());
            assertThat(sidecar.get().row()).isEqualTo(run.row());
        });
    }
}
