package io.culvert.verify;

import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.device.Precision;
import io.culvert.emulator.TestEmulator;
import java.nio.file.Path;
import java.util.OptionalDouble;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Ten steps of each method, optimiser and teacher against PyTorch's in float64: see tools/vectors/trajectories.py. */
class TrajectoryTest {
    /** Ten times closer than {@code culvert verify} asks for: so near they are. */
    private static final double TOLERANCE = 1e-4;

    @ParameterizedTest
    @CsvSource({
        "simclr, cpu", "simclr, emulator", "barlow_twins, cpu", "barlow_twins, emulator", "byol, cpu", "byol, emulator",
        "dino, cpu", "dino, emulator", "dino_multicrop, cpu", "dino_multicrop, emulator", "mae, cpu", "mae, emulator",
        "supervised, cpu", "supervised, emulator"
    })
    void equalsPyTorch(String name, String where) {
        try (Device device = open(where)) {
            CaseOutcome outcome = new Verifier(device, OptionalDouble.of(TOLERANCE))
                    .run(Path.of("test/resources/trajectories/trajectory_" + name + ".safetensors"));
            assertThat(outcome.message()).isEmpty();
            assertThat(outcome.status()).as("%s", outcome).isEqualTo(CaseOutcome.Status.PASS);
        }
    }

    private static Device open(String where) {
        if (where.equals("cpu")) {
            return CpuDevice.open(2);
        }
        TestEmulator.install();
        return CudaDevice.open(0, Precision.FP32);
    }
}
