package io.culvert.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.culvert.CulvertException;
import io.culvert.ThisJvm;
import io.culvert.cli.Main;
import io.culvert.device.Ranks;
import io.culvert.ranks.Launch;
import io.culvert.safetensors.SafetensorsFile;
import io.culvert.safetensors.StoredTensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A step that diverges on several ranks is kept whole, so that one rank can do it again. */
@Execution(ExecutionMode.CONCURRENT)
@Timeout(600)
class ParallelReplayTest {
    private static final int IMAGES = 12;
    private static final int RANKS = 2;

    @TempDir
    Path folder;

    @BeforeEach
    void writeImages() throws IOException {
        TinyImages.write(folder, IMAGES);
    }

    /** Pixels of all views, labels of method and probe, masks: what the file holds is what that of a run of one rank holds. */
    @ParameterizedTest
    @ValueSource(strings = {"simclr", "dino", "mae", "supervised"})
    void theBatchIsThatOfOneRankToTheLastBit(String method) throws Exception {
        List<CulvertException> alone = failures(1, config("alone", method));
        List<CulvertException> together = failures(RANKS, config("together", method));
        Path file = diverged("together");
        assertThat(together).hasSize(RANKS).allSatisfy(thrown -> {
            assertThat(thrown.kind()).isEqualTo(CulvertException.Kind.DIVERGED);
            assertThat(thrown).hasMessageContaining("the step is in " + file);
        });
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsFile want = SafetensorsFile.map(diverged("alone"), arena);
            SafetensorsFile got = SafetensorsFile.map(file, arena);
            assertThat(got.metadata().get("step")).as(alone + " " + together).isEqualTo(want.metadata().get("step"));
            assertThat(batch(got)).isEqualTo(batch(want)).containsKey("batch/pixels");
        }
        Replay replay = Replay.of(file, List.of());
        assertThat(replay.inputs()).allMatch(line -> line.values().isFinite());
        assertThat(replay.isFinite()).isFalse();
    }

    /** What one rank makes of the kept step is what the ranks made of it, to rounding. */
    @Test
    void oneRankComesToTheLossOfAll() throws Exception {
        RunConfig config = RunConfig.load(configFile(), List.of("name=finite", "method.name=byol"));
        Path file = folder.resolve("finite.safetensors");
        List<Float> losses = Ranks.run(RANKS, launch -> {
            try (Run run = new Run(config, new Run.Plan(4, 4, 3, true), launch)) {
                Trainer trainer = run.trainer(4);
                float[] labels = new float[trainer.probe().orElseThrow().labels().shape().at(0)];
                trainer.probe().orElseThrow().labels().set(labels);
                MemorySegment views = run.arena().hostMemory(trainer.pixels().getFirst().bytes());
                for (long i = 0; i < views.byteSize() / Float.BYTES; i++) {
                    views.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) Math.sin(i * (3 + launch.rank())));
                }
                trainer.pixels().getFirst().feed(views);
                Map<String, String> metadata = new TreeMap<>(run.plan().metadata());
                metadata.put("config", config.toYaml());
                DivergedStep.keep(file, run, trainer, metadata);
                float loss = trainer.step();
                run.device().group().leave();
                return loss;
            }
        });
        Replay replay = Replay.of(file, List.of());
        assertThat(losses).containsOnly(losses.getFirst());
        assertThat((double) replay.loss()).isCloseTo(losses.getFirst(), within(1e-5));
        assertThat(replay.isFinite()).isTrue();
    }

    @Test
    void theCommandEndsWith5AndReplayTakesItsRun() throws Exception {
        Path log = folder.resolve("log");
        List<String> command = new ArrayList<>(ThisJvm.command());
        command.addAll(List.of(
                "io.culvert.cli.Main", "pretrain", "--config", configFile().toString(), "--ranks", "2", "name=command",
                "optim.lr=1e30"));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
        assertThat(process.waitFor(4, TimeUnit.MINUTES)).isTrue();
        String said = Files.readString(log);
        assertThat(process.exitValue()).as(said).isEqualTo(5);
        assertThat(said).contains("culvert replay " + folder.resolve("runs").resolve("command")).doesNotContain("ends as well");
        assertThat(Main.run("replay", folder.resolve("runs").resolve("command").toString())).isEqualTo(5);
    }

    /** What each rank threw. */
    private static List<CulvertException> failures(int ranks, RunConfig config) throws InterruptedException {
        List<CulvertException> failures = new ArrayList<>();
        for (Future<Object> rank : Ranks.start(ranks, launch -> {
            Pretraining.run(config, RunFolder.Mode.FRESH, false, false, ranks == 1 ? Launch.ALONE : launch);
            return null;
        })) {
            try {
                rank.get();
            } catch (ExecutionException e) {
                failures.add((CulvertException) e.getCause());
            }
        }
        return failures;
    }

    private static Map<String, String> batch(SafetensorsFile file) {
        Map<String, String> batch = new TreeMap<>();
        for (StoredTensor tensor : file.tensors()) {
            if (tensor.name().startsWith("batch/")) {
                byte[] bytes = tensor.data().toArray(ValueLayout.JAVA_BYTE);
                batch.put(tensor.name(), tensor.shape() + " " + Arrays.hashCode(bytes));
            }
        }
        return batch;
    }

    private Path diverged(String name) {
        return folder.resolve("runs").resolve(name).resolve("diverged.safetensors");
    }

    private RunConfig config(String name, String method) throws IOException {
        List<String> keys = new ArrayList<>(List.of("name=" + name, "method.name=" + method, "optim.lr=1e30"));
        if (method.equals("mae")) {
            keys.addAll(List.of("model.name=vit_tiny", "model.patch=8", "method.decoder_dim=32", "method.decoder_depth=1", "method.decoder_heads=2"));
        } else if (method.equals("dino")) {
            keys.addAll(List.of("method.local_crops=2", "data.local_size=32", "method.prototypes=32"));
        }
        return RunConfig.load(configFile(), keys);
    }

    private Path configFile() throws IOException {
        Path file = folder.resolve("run.yaml");
        Files.writeString(
                file,
                """
                runs: %1$s/runs
                batch_size: 4
                threads: 1
                data: {csv: %1$s/images.csv, images: %1$s, image_size: 32, loader_threads: 1}
                method: {hidden: 32, dim: 16}
                optim: {name: sgd, scale_lr: false, lr: 0.1}
                schedule: {epochs: 30, warmup_epochs: 0}
                log: {every_steps: 1}
                """
                        .formatted(folder));
        return file;
    }
}
