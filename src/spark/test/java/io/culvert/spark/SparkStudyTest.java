package io.culvert.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A study on a cluster of two executors, processes of their own, one of which is killed in the middle of a run: it ends
 * with the results of the same study run without Spark.
 */
class SparkStudyTest {
    private static final Path ROOT = Path.of("../..").toAbsolutePath().normalize();
    private static final String LAUNCHER = ROOT.resolve("culvert").toString();
    private static final String RESULTS = "SELECT * FROM results ORDER BY id, reader, test_share, metric";

    @TempDir
    Path folder;

    @Test
    void anExecutorThatDiesCostsNothing() throws Exception {
        Path config = config();
        Path calm = Files.createDirectory(folder.resolve("calm"));
        culvert(calm, "study", "run", "--config", config.toString());

        Path cluster = Files.createDirectory(folder.resolve("cluster"));
        Files.createSymbolicLink(cluster.resolve("data"), calm.resolve("data"));
        culvert(cluster, "study", "plan", "--config", config.toString());
        Map<String, String> ends;
        try (JavaSparkContext spark = new JavaSparkContext(conf(cluster))) {
            CompletableFuture<Boolean> killed = CompletableFuture.supplyAsync(() -> killOneInItsRun(cluster));
            ends = SparkStudy.run(spark);
            assertThat(killed.get(1, TimeUnit.SECONDS)).as("an executor was killed").isTrue();
        }
        assertThat(ends).hasSize(3).allSatisfy((id, end) -> assertThat(end).isEqualTo("done"));
        assertThat(claims(cluster)).as("a run was taken up again").isGreaterThan(3);
        assertThat(table(cluster, config)).isEqualTo(table(calm, config)).contains("simclr", "auroc");
    }

    /** Three runs, of which one trains long enough to be met in the middle. */
    private Path config() throws IOException {
        Path config = folder.resolve("study-spark.yaml");
        String smoke = Files.readString(ROOT.resolve("configs/study-smoke.yaml"));
        Files.writeString(
                config,
                smoke.replace("config: demo.yaml", "config: " + ROOT.resolve("configs/demo.yaml"))
                        .replaceAll("(?s)train_shares:.*", "train_shares: [0.45]\ntest_shares: [0.45]\nseeds: [1]\n")
                        .replace("log.tensorboard: false", "log.tensorboard: false\n  log.every_steps: 1"));
        return config;
    }

    private static SparkConf conf(Path directory) throws IOException {
        Path jars = Files.createDirectories(Path.of(System.getenv("SPARK_HOME"), "jars"));
        List<String> classes = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(System.getProperty("path.separator"))) {
            Path path = Path.of(entry);
            Path link = jars.resolve(path.getFileName());
            if (Files.isDirectory(path)) {
                classes.add(entry);
            } else if (!Files.exists(link)) {
                Files.createSymbolicLink(link, path);
            }
        }
        Files.writeString(jars.resolveSibling("RELEASE"), "");
        return new SparkConf()
                .setAppName("study")
                .setMaster("local-cluster[2,1,512]")
                .set("spark.executor.memory", "512m")
                .set("spark.testing.memory", "600000000")
                .set("spark.ui.enabled", "false")
                .set("spark.executor.extraClassPath", String.join(System.getProperty("path.separator"), classes))
                .set("spark.culvert.folder", "studies/study-spark")
                .set("spark.culvert.directory", directory.toString())
                .set("spark.culvert.launcher", LAUNCHER)
                .set("spark.culvert.deadAfter", "20");
    }

    /** Waits until a run has taken steps, and kills the executor above it. */
    private static boolean killOneInItsRun(Path directory) {
        long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(3);
        while (System.nanoTime() < deadline) {
            try {
                TimeUnit.MILLISECONDS.sleep(100);
                for (Path metrics : metrics(directory)) {
                    String id = metrics.getParent().getFileName().toString();
                    if (Files.readAllLines(metrics).size() >= 2 && !Files.exists(metrics.resolveSibling("encoder.safetensors"))) {
                        return executorOf(id).map(ProcessHandle::destroyForcibly).orElse(false);
                    }
                }
            } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
        return false;
    }

    private static Optional<ProcessHandle> executorOf(String run) {
        return ProcessHandle.current()
                .descendants()
                .filter(process -> process.info().commandLine().orElse("").contains("CoarseGrainedExecutorBackend"))
                .filter(executor -> executor.descendants()
                        .anyMatch(child -> child.info().commandLine().orElse("").contains(run)))
                .findFirst();
    }

    private static List<Path> metrics(Path directory) throws IOException {
        Path runs = directory.resolve("studies/study-spark/runs");
        if (!Files.isDirectory(runs)) {
            return List.of();
        }
        try (Stream<Path> folders = Files.list(runs)) {
            return folders.map(run -> run.resolve("metrics.jsonl")).filter(Files::exists).toList();
        }
    }

    private static long claims(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory.resolve("studies"))) {
            return files.filter(file -> file.getFileName().toString().matches("claim-\\d+")).count();
        }
    }

    private static String table(Path directory, Path config) throws Exception {
        return culvert(directory, "study", "table", "--config", config.toString(), "--format", "csv", "--sql", RESULTS);
    }

    private static String culvert(Path directory, String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of(LAUNCHER));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectError(directory.resolve("log.txt").toFile())
                .start();
        String out = new String(process.getInputStream().readAllBytes());
        assertThat(process.waitFor()).as(() -> read(directory.resolve("log.txt"))).isZero();
        return out;
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
