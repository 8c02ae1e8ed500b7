package io.culvert.spark;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.SparkConf;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.resource.ResourceInformation;

/**
 * A study on a Spark cluster: each run that is not done is a task, which starts {@code culvert study work} on its
 * executor and waits for it. Spark places the tasks and gives each its GPU; that a run is done once, and goes on from its
 * checkpoint when an executor dies, is the work of the claims in the study's folder, which all machines must see.
 *
 * <pre>{@code
 * culvert study plan --config configs/study-paper.yaml
 * spark-submit --class io.culvert.spark.SparkStudy \
 *     --conf spark.culvert.folder=/shared/studies/study-paper --conf spark.culvert.launcher=/opt/culvert/culvert \
 *     --conf spark.executor.resource.gpu.amount=1 --conf spark.task.resource.gpu.amount=1 culvert-spark.jar
 * }</pre>
 *
 * <p>{@code spark.culvert.folder} is the study's folder, {@code spark.culvert.launcher} the {@code culvert} script of a
 * checkout on every worker, {@code spark.culvert.directory} the folder that relative paths of the plan start from (the
 * folder that the plan was made in), {@code spark.culvert.deadAfter} the seconds of silence after which a worker counts as
 * dead (60).
 */
public final class SparkStudy {
    /** As {@code culvert study work} exits when the run has failed, and left word of why in its folder. */
    private static final int FAILED = 3;

    private static final int SHOWN = 8;

    private SparkStudy() {}

    /** Runs the study that Spark's configuration names; exit code 3 if runs have failed. */
    public static void main(String[] args) throws IOException {
        SparkConf conf = new SparkConf().setIfMissing("spark.app.name", "culvert study");
        Map<String, String> ends;
        try (JavaSparkContext spark = new JavaSparkContext(conf)) {
            ends = run(spark);
        }
        List<String> failed = ends.entrySet().stream()
                .filter(end -> !end.getValue().equals("done"))
                .map(Map.Entry::getKey)
                .toList();
        System.err.printf("study: %d runs done, %d failed%n", ends.size() - failed.size(), failed.size());
        if (!failed.isEmpty()) {
            System.err.printf(
                    "culvert: error: %d runs failed: %s; culvert study status says why%n",
                    failed.size(), String.join(", ", failed.subList(0, Math.min(SHOWN, failed.size()))));
            System.exit(FAILED);
        }
    }

    /** Runs what is left, and says of each run whether it is {@code done} or has {@code failed}. */
    static Map<String, String> run(JavaSparkContext spark) throws IOException {
        SparkConf conf = spark.getConf();
        Work work = new Work(
                conf.get("spark.culvert.launcher"),
                conf.get("spark.culvert.folder"),
                conf.get("spark.culvert.directory", Path.of("").toAbsolutePath().toString()),
                conf.get("spark.culvert.deadAfter", "60"));
        List<String> ids = ids(Path.of(work.directory()).resolve(work.folder()).resolve("plan.jsonl"));
        // One partition a run: a task ends with its run, and a lost executor costs the runs that were on it alone.
        List<String> ends = spark.parallelize(ids, Math.max(1, ids.size())).map(work::execute).collect();
        Map<String, String> byId = new LinkedHashMap<>();
        for (int i = 0; i < ids.size(); i++) {
            byId.put(ids.get(i), ends.get(i));
        }
        return byId;
    }

    private static List<String> ids(Path plan) throws IOException {
        ObjectMapper json = new ObjectMapper();
        List<String> ids = new ArrayList<>();
        for (String line : Files.readAllLines(plan)) {
            JsonNode run = json.readTree(line);
            ids.add(run.get("id").asText());
        }
        return ids;
    }

    /** What an executor must know. */
    record Work(String launcher, String folder, String directory, String deadAfter) implements Serializable {
        /** Starts the run's process and waits for it; one that ends otherwise than done or failed is for Spark to repeat. */
        String execute(String id) throws IOException, InterruptedException {
            ProcessBuilder builder = new ProcessBuilder(
                            launcher, "study", "work", "--folder", folder, "--run", id, "--dead-after", deadAfter)
                    .directory(Path.of(directory).toFile())
                    .redirectOutput(ProcessBuilder.Redirect.INHERIT)
                    .redirectError(ProcessBuilder.Redirect.INHERIT);
            ResourceInformation gpu = TaskContext.get().resourcesJMap().get("gpu");
            if (gpu != null) {
                builder.environment().put("CUDA_VISIBLE_DEVICES", String.join(",", gpu.addresses()));
            }
            // Its input is a pipe from here: when this executor dies, the process ends too.
            Process process = builder.start();
            try {
                int exitCode = process.waitFor();
                if (exitCode == 0 || exitCode == FAILED) {
                    return exitCode == 0 ? "done" : "failed";
                }
                throw new IOException("culvert study work --run " + id + " ended with exit code " + exitCode);
            } finally {
                process.destroy();
            }
        }
    }
}
