package io.culvert.verify;

import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.device.CpuDevice;
import io.culvert.device.Device;
import io.culvert.device.Ranks;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Ten steps of each method on several ranks against PyTorch's in float64, which has the whole batch: losses, weights,
 * teacher, running statistics on every rank.
 */
class ParallelTrajectoryTest {
    /** As one rank's. */
    private static final double TOLERANCE = 1e-4;

    @ParameterizedTest
    @CsvSource({
        "simclr, 2", "simclr, 3", "barlow_twins, 2", "byol, 2", "dino, 2", "dino_multicrop, 3", "mae, 2", "supervised, 2"
    })
    void ranksEqualPyTorchWithTheWholeBatch(String name, int size) throws Exception {
        Path file = Path.of("test/resources/trajectories/trajectory_" + name + ".safetensors");
        List<CaseOutcome> outcomes = Ranks.run(size, launch -> {
            try (Device device = CpuDevice.open(1, launch, name)) {
                CaseOutcome outcome = new Verifier(device, OptionalDouble.of(TOLERANCE)).run(file);
                if (outcome.status() == CaseOutcome.Status.PASS) {
                    device.group().leave();
                }
                return outcome;
            }
        });
        for (CaseOutcome outcome : outcomes) {
            assertThat(outcome.message()).isEmpty();
            assertThat(outcome.status()).as("%s", outcome).isEqualTo(CaseOutcome.Status.PASS);
        }
    }
}
