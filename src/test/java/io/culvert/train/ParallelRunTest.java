package io.culvert.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.culvert.CulvertException;
import io.culvert.ThisJvm;
import io.culvert.device.Ranks;
import io.culvert.safetensors.SafetensorsFile;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Whole runs of several ranks, from files to the encoder, beside the run of one. */
@Execution(ExecutionMode.CONCURRENT)
@Timeout(600)
class ParallelRunTest {
    private static final int IMAGES = 17;
    private static final int RANKS = 2;

    @TempDir
    Path folder;

    /** The same images, views, losses and weights, and rank 0 alone has written them. */
    @Test
    void twoRanksTrainAsOneDoes() throws Exception {
        Pretraining.run(config("one"), RunFolder.Mode.FRESH);
        runRanks("two", RunFolder.Mode.FRESH);
        assertEndsAsOne("two");
    }

    /** One rank of two is killed: the other says so and ends, and the resumed run ends in the same bytes. */
    @Test
    void aKilledRankEndsTheOtherAndTheRunResumesBitForBit() throws Exception {
        runRanks("whole", RunFolder.Mode.FRESH);
        killOneOfTwo("killed");
        runRanks("killed", RunFolder.Mode.RESUME);
        for (String file : List.of("encoder.safetensors", "checkpoint.safetensors")) {
            assertThat(tensors("killed", file)).as(file).isEqualTo(tensors("whole", file));
        }
    }

    /** What two ranks began one may end: the batch and its order do not depend on how many share it. */
    @Test
    void anotherNumberOfRanksMayGoOn() throws Exception {
        Pretraining.run(config("one"), RunFolder.Mode.FRESH);
        killOneOfTwo("fewer");
        Pretraining.run(config("fewer"), RunFolder.Mode.RESUME);
        assertEndsAsOne("fewer");
    }

    /** The losses of each step, and the encoder. */
    private void assertEndsAsOne(String name) {
        List<Double> want = losses("one");
        List<Double> got = losses(name);
        assertThat(got).hasSameSizeAs(want).hasSizeGreaterThan(5);
        for (int step = 0; step < want.size(); step++) {
            assertThat(got.get(step)).as("loss of step %d", step).isCloseTo(want.get(step), within(2e-4));
        }
        assertThat(distance("one", name)).isLessThan(1e-3);
    }

    private void killOneOfTwo(String name) throws Exception {
        Path log = folder.resolve(name + ".log");
        Process launcher = launch(name, log);
        Path metrics = folder.resolve("runs").resolve(name).resolve("metrics.jsonl");
        long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(4);
        while (!(Files.exists(metrics) && MetricsLog.read(metrics).size() >= 4) && System.nanoTime() < deadline) {
            assertThat(launcher.isAlive()).as(() -> "the run ended before it could be killed: " + read(log)).isTrue();
            TimeUnit.MILLISECONDS.sleep(5);
        }
        List<ProcessHandle> ranks = launcher.children().sorted(Comparator.comparing(ProcessHandle::pid)).toList();
        assertThat(ranks).hasSize(RANKS);
        ranks.getLast().destroyForcibly();
        assertThat(launcher.waitFor(1, TimeUnit.MINUTES)).isTrue();
        assertThat(launcher.exitValue()).isNotZero();
        assertThat(read(log)).contains("rank 1 is gone").contains("so rank 0 of 2 ends as well");
    }

    @Test
    void ranksThatDoNotShareABatchEvenlyAreRefused() throws IOException {
        RunConfig config = config("uneven");
        assertThatThrownBy(() -> Ranks.run(3, launch -> {
                    Pretraining.run(config, RunFolder.Mode.OVERWRITE, false, false, launch);
                    return null;
                }))
                .isInstanceOf(CulvertException.class)
                .hasMessageContaining("3 ranks do not share 4 images a batch evenly: set batch_size to a multiple of 3");
    }

    private void runRanks(String name, RunFolder.Mode mode) throws Exception {
        RunConfig config = config(name);
        Ranks.run(RANKS, launch -> {
            Pretraining.run(config, mode, false, false, launch);
            return null;
        });
    }

    private Process launch(String name, Path log) throws IOException {
        List<String> command = new ArrayList<>(ThisJvm.command());
        command.addAll(List.of(
                "io.culvert.cli.Main", "pretrain", "--config", configFile().toString(), "--ranks", Integer.toString(RANKS),
                "name=" + name));
        return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private List<Double> losses(String name) {
        return MetricsLog.read(folder.resolve("runs").resolve(name).resolve("metrics.jsonl")).stream()
                .filter(line -> line.has("loss"))
                .map(line -> line.get("loss").doubleValue())
                .toList();
    }

    /** Of the encoders' weights and running statistics, all together, in the 2-norm. */
    private double distance(String one, String other) {
        double off = 0;
        double norm = 0;
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsFile a = SafetensorsFile.map(folder.resolve("runs").resolve(one).resolve("encoder.safetensors"), arena);
            SafetensorsFile b = SafetensorsFile.map(folder.resolve("runs").resolve(other).resolve("encoder.safetensors"), arena);
            for (var tensor : a.tensors()) {
                if (tensor.name().endsWith("num_batches_tracked")) {
                    continue;
                }
                float[] x = tensor.toFloats();
                float[] y = b.tensor(tensor.name()).toFloats();
                for (int i = 0; i < x.length; i++) {
                    off += Math.pow((double) x[i] - y[i], 2);
                    norm += Math.pow(x[i], 2);
                }
            }
        }
        return Math.sqrt(off / norm);
    }

    /** The file without its metadata, which names the run. */
    private byte[] tensors(String name, String file) throws IOException {
        byte[] bytes = Files.readAllBytes(folder.resolve("runs").resolve(name).resolve(file));
        long header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
        return Arrays.copyOfRange(bytes, Math.toIntExact(8 + header), bytes.length);
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
                method: {name: simclr, hidden: 32, dim: 16}
                optim: {lr: 0.001}
                schedule: {epochs: 2, warmup_epochs: 1}
                checkpoint: {every_steps: 2}
                log: {every_steps: 1}
                """
                        .formatted(folder));
        return file;
    }

    private RunConfig config(String name) throws IOException {
        return RunConfig.load(configFile(), List.of("name=" + name));
    }

    @BeforeEach
    void writeImages() throws IOException {
        TinyImages.write(folder, IMAGES);
    }
}
