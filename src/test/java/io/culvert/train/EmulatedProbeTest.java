package io.culvert.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.data.synth.SynthConfig;
import io.culvert.data.synth.SyntheticSewers;
import io.culvert.emulator.TestEmulator;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole way, from pictures to the scores of both probes, on the simulated GPU against the CPU. */
class EmulatedProbeTest {
    /** Of log-odds up to 6: the probe standardises features, and with one that hardly varies its rounding. */
    private static final Offset<Double> TOLERANCE = Offset.offset(1e-3);

    @TempDir
    Path folder;

    @BeforeEach
    void needsTheEmulator() {
        TestEmulator.assumeBuilt();
    }

    @Test
    void scoresEqualTheCpus() {
        SynthConfig pictures =
                new SynthConfig(24, 12, 0.5, 64, 64, 1, SynthConfig.Format.PNG, false, 0.05, 1, 2);
        SyntheticSewers.write(folder, pictures, false, done -> {});
        Probing.Comparison cpu = pretrainAndProbe("cpu");
        Probing.Comparison emulator = pretrainAndProbe("emulator");
        assertThat(emulator.device()).contains("emulator");
        assertThat(emulator.labels()).isEqualTo(cpu.labels()).contains(0, 1);
        assertThat(cpu.trained().linear().scores()).isNotEqualTo(cpu.untrained().linear().scores());
        assertThat(emulator.trained().probe().lambda()).isEqualTo(cpu.trained().probe().lambda());
        assertThat(emulator.trained().linear().scores()).containsExactly(cpu.trained().linear().scores(), TOLERANCE);
        assertThat(emulator.untrained().linear().scores()).containsExactly(cpu.untrained().linear().scores(), TOLERANCE);
    }

    private Probing.Comparison pretrainAndProbe(String device) {
        RunConfig config = config(device);
        Pretraining.run(config, RunFolder.Mode.FRESH);
        try (RunFolder run = RunFolder.open(config.folder(), RunFolder.Mode.RESUME)) {
            return Probing.compare(config, EncoderFile.strict(run.encoder()), Optional.empty());
        }
    }

    private RunConfig config(String device) {
        Path file = Path.of("..", "configs", "demo-emulator.yaml");
        List<String> keys = new ArrayList<>(List.of(
                "data.csv=" + folder.resolve("SewerML_Train.csv"),
                "data.images=" + folder.resolve("train"),
                "data.val_csv=" + folder.resolve("SewerML_Val.csv"),
                "data.val_images=" + folder.resolve("valid"),
                "runs=" + folder.resolve("runs"),
                "batch_size=24",
                // With so few images a larger step would turn rounding into another choice of the probe's penalty.
                "optim.lr=1e-3",
                "probe.batch_size=12",
                "name=" + device,
                // Kernels that augment round otherwise than the CPU; they have tests of their own.
                "data.augment_on=host",
                "device=" + device));
        return RunConfig.load(file, keys);
    }
}
