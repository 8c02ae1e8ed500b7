package io.culvert.study;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.culvert.AtomicFile;
import io.culvert.CulvertException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What came of a run: {@code sidecar.json} in its folder, there once the run is done and whole whenever it is there.
 *
 * @param format of this file
 * @param labelFree scores that took no label, by name
 * @param machine what it ran on, by name
 * @param finished ISO 8601
 */
public record Sidecar(
        int format,
        String id,
        String evaluation,
        String row,
        String method,
        String backbone,
        String sampling,
        double trainShare,
        long seed,
        Training training,
        List<Cell> cells,
        Map<String, Double> labelFree,
        Cost cost,
        Map<String, String> machine,
        String finished) {
    static final int FORMAT = 1;
    static final String FILE = "sidecar.json";
    private static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(SerializationFeature.INDENT_OUTPUT)
            .build();

    /**
     * What the network was trained on.
     *
     * @param images in the training set
     * @param defects among them
     * @param steps of training; 0 for an untrained network
     * @param loss of the last step that was logged; null for an untrained network
     */
    public record Training(int images, int defects, int steps, Double loss) {}

    /**
     * One reader on one test set.
     *
     * @param reader what read the frozen features
     * @param images in the test set
     * @param defects among them
     * @param metrics by name
     */
    public record Cell(String reader, double testShare, int images, int defects, Map<String, Double> metrics) {}

    /**
     * What it took.
     *
     * @param trainSeconds in steps, without what was lost when a run was killed
     * @param judgeSeconds to encode, fit and judge
     */
    public record Cost(double trainSeconds, double judgeSeconds) {}

    void write(Path folder) {
        try {
            AtomicFile.replace(folder.resolve(FILE), JSON.writeValueAsString(this) + "\n");
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e); // records of numbers and texts
        }
    }

    /**
     * What a folder holds.
     *
     * @throws CulvertException (data) if the file is damaged
     */
    public static Optional<Sidecar> read(Path folder) {
        Path file = folder.resolve(FILE);
        try {
            return Optional.of(JSON.readValue(Files.readString(file), Sidecar.class));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (JsonProcessingException e) {
            throw CulvertException.data(
                    e, "%s: damaged (%s); delete it, and culvert study run makes it anew", file, e.getOriginalMessage());
        } catch (IOException e) {
            throw CulvertException.data(e, "%s: cannot read: %s", file, e.getMessage());
        }
    }
}
