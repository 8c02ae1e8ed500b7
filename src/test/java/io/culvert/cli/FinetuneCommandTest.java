package io.culvert.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.culvert.data.synth.SynthConfig;
import io.culvert.data.synth.SyntheticSewers;
import io.culvert.safetensors.SafetensorsFile;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** From a pre-trained run to a fine-tuned one, and what both readers of the latter say. */
class FinetuneCommandTest {
    @TempDir
    Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... args) {
        CommandLine commandLine = Main.commandLine();
        commandLine.setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
        return commandLine.execute(args);
    }

    @Test
    void startsFromTheRunsEncoderAndReportsItsClassifier() throws Exception {
        SyntheticSewers.write(
                folder, new SynthConfig(24, 12, 0.5, 64, 64, 1, SynthConfig.Format.PNG, false, 0.05, 1, 2), false, n -> {});
        Path config = Files.writeString(folder.resolve("tiny.yaml"), """
                runs: %1$s/runs
                batch_size: 8
                data: {csv: %1$s/SewerML_Train.csv, images: %1$s/train, val_csv: %1$s/SewerML_Val.csv,
                       val_images: %1$s/valid, image_size: 32}
                method: {hidden: 16, dim: 8}
                schedule: {epochs: 1, warmup_epochs: 0}
                probe: {sgd_epochs: 2}
                """.formatted(folder));
        assertThat(run("pretrain", "--config", config.toString())).as("%s", err).isZero();
        Path pretrained = folder.resolve("runs/tiny");
        // A rate of nearly nothing: what comes out must be what went in.
        assertThat(run("finetune", "--run", pretrained.toString(), "optim.lr=1e-12", "schedule.warmup_start_lr=0",
                        "schedule.min_lr=0"))
                .as("%s", err)
                .isZero();
        assertThat(out.toString()).contains("linear probe", "20 neighbours", "SGD probe", "own classifier");
        Path finetuned = folder.resolve("runs/tiny-finetuned");
        JsonNode report = new JsonMapper().readTree(finetuned.resolve("report.json").toFile());
        assertThat(report.get("readers")).hasSize(4);
        assertThat(report.get("readers").get(3).get("untrained").isNull()).isTrue();
        assertThat(first(finetuned)).isEqualTo(first(pretrained));
    }

    /** The first convolution's first values. */
    private static float[] first(Path run) throws Exception {
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsFile file = SafetensorsFile.map(run.resolve("encoder.safetensors"), arena);
            return Arrays.copyOf(file.tensor("conv1.weight").toFloats(), 16);
        }
    }
}
