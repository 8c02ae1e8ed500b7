package io.culvert.verify;

import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.device.Precision;
import io.culvert.emulator.Emulator;
import io.culvert.ranks.Launch;
import java.nio.file.Path;
import java.util.OptionalDouble;

/** One rank with an emulated GPU, a process of its own: runs a vector and says how it went, and which collectives ran. */
final class EmulatedRank {
    private EmulatedRank() {}

    /** @param arguments a trajectory's file and the tolerance */
    public static void main(String... arguments) {
        Emulator emulator = Emulator.install();
        try (Device device = CudaDevice.open(0, Precision.FP32, Launch.of(System.getenv()), arguments[0])) {
            CaseOutcome outcome = new Verifier(device, OptionalDouble.of(Double.parseDouble(arguments[1])))
                    .run(Path.of(arguments[0]));
            System.out.printf("%s %s%n", outcome.status(), outcome);
            System.out.printf("graphs %d, %s%n", emulator.graphLaunches(), emulator.collectiveRuns());
            device.group().leave();
        }
        System.out.printf("leaks %s%n", emulator.leaks());
    }
}
