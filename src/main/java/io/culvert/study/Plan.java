package io.culvert.study;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.culvert.AtomicFile;
import io.culvert.CulvertException;
import io.culvert.train.RunConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Every run of a study, in the order in which they are begun: all rows at one share and seed before the next, so that an
 * unfinished study compares methods rather than shares.
 *
 * @param folder the study's
 */
public record Plan(Path folder, List<PlannedRun> runs) {
    private static final JsonMapper JSON = new JsonMapper();
    private static final String FILE = "plan.jsonl";

    /**
     * Works a study out. A row whose pictures are not there gets the study's synthetic ones, if it has any.
     *
     * @throws CulvertException (usage) if a row's configuration is wrong, or two rows are the same run
     */
    public static Plan of(StudyConfig study) {
        Map<String, PlannedRun> runs = new LinkedHashMap<>();
        for (long seed : study.seeds()) {
            for (String sampling : study.sampling()) {
                for (double share : study.trainShares()) {
                    for (StudyConfig.Row row : study.rows()) {
                        PlannedRun run = run(study, row, sampling, share, seed);
                        PlannedRun same = runs.putIfAbsent(run.id(), run);
                        if (same != null) {
                            throw CulvertException.usage(
                                    "rows.%s: is the same run as rows.%s (%s): leave one of them out",
                                    row.name(), same.row(), run.title());
                        }
                    }
                }
            }
        }
        return new Plan(study.folder(), List.copyOf(runs.values()));
    }

    private static PlannedRun run(StudyConfig study, StudyConfig.Row row, String sampling, double share, long seed) {
        List<String> keys = new ArrayList<>(List.of("seed=" + seed, "data.defect_share=" + share, "data.sampling=" + sampling));
        RunConfig config = StudyData.configOf(study, row, keys);
        if (sampling.equals("fixed_size")) {
            keys.add("data.size=" + (study.size() > 0 ? study.size() : StudyData.largestSize(study, config)));
            config = StudyData.configOf(study, row, keys);
        }
        return PlannedRun.of(study, row, sampling, share, config);
    }

    /** Leaves the plan in the study's folder, where the processes of the runs read it. */
    public void write() {
        StringBuilder lines = new StringBuilder();
        for (PlannedRun run : runs) {
            lines.append(line(run)).append('\n');
        }
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(folder, e);
        }
        AtomicFile.replace(folder.resolve(FILE), lines.toString());
    }

    private static String line(PlannedRun run) {
        ObjectNode json = JSON.createObjectNode()
                .put("id", run.id())
                .put("evaluation", run.evaluation())
                .put("row", run.row())
                .put("method", run.method())
                .put("backbone", run.backbone())
                .put("untrained", run.untrained())
                .put("sampling", run.sampling())
                .put("train_share", run.trainShare())
                .put("seed", run.seed());
        json.set("test_shares", JSON.valueToTree(run.testShares()));
        json.put("test_seed", run.testSeed()).put("keep_checkpoint", run.keepCheckpoint()).put("config", run.config().toYaml());
        return json.toString();
    }

    /**
     * Reads what {@link #write} wrote.
     *
     * @throws CulvertException (data) if there is none or it is damaged
     */
    public static Plan read(Path folder) {
        Path file = folder.resolve(FILE);
        List<PlannedRun> runs = new ArrayList<>();
        try {
            for (String line : Files.readAllLines(file)) {
                runs.add(run(folder, JSON.readTree(line)));
            }
        } catch (JsonProcessingException e) {
            throw CulvertException.data(e, "%s: line %d is damaged: %s", file, runs.size() + 1, e.getOriginalMessage());
        } catch (IOException e) {
            throw CulvertException.data(e, "%s: cannot read the plan: %s", file, e.getMessage());
        }
        return new Plan(folder, List.copyOf(runs));
    }

    private static PlannedRun run(Path folder, JsonNode json) {
        List<Double> testShares = new ArrayList<>();
        json.path("test_shares").forEach(share -> testShares.add(share.asDouble()));
        // Where this machine sees the folder, whatever the one that planned calls it.
        List<String> here = List.of("runs=" + folder.resolve("runs"));
        return new PlannedRun(
                json.path("id").asText(),
                json.path("evaluation").asText(),
                json.path("row").asText(),
                json.path("untrained").asBoolean(),
                json.path("sampling").asText(),
                json.path("train_share").asDouble(),
                List.copyOf(testShares),
                json.path("test_seed").asLong(),
                json.path("keep_checkpoint").asBoolean(),
                RunConfig.parse(folder.resolve(FILE), json.path("config").asText(), here));
    }

    /** The run with this id. */
    public PlannedRun run(String id) {
        return runs.stream()
                .filter(run -> run.id().equals(id))
                .findFirst()
                .orElseThrow(() -> CulvertException.usage("%s: has no run %s", folder.resolve(FILE), id));
    }
}
