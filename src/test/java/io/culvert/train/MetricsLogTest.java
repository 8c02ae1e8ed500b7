package io.culvert.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.culvert.CulvertException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetricsLogTest {
    private static final String LINES =
            "{\"event\":\"step\",\"step\":1,\"loss\":1.0}\n{\"event\":\"step\",\"step\":2,\"loss\":0.5}\n";

    @TempDir
    Path temp;

    private Path file;

    @BeforeEach
    void writeTwoSteps() {
        file = temp.resolve("metrics.jsonl");
        try (MetricsLog log = MetricsLog.create(file)) {
            log.write("step", 1, Map.of("loss", 1.0));
            log.write("step", 2, Map.of("loss", 0.5f));
        }
    }

    @Test
    void aLineIsAnObjectInTheOrderGiven() throws IOException {
        Map<String, Number> values = new LinkedHashMap<>();
        values.put("z", 1L);
        values.put("a", Double.NaN);
        values.put("epoch", 3);
        try (MetricsLog log = MetricsLog.create(file)) {
            log.write("epoch", 5, values);
            assertThat(Files.readString(file))
                    .isEqualTo("{\"event\":\"epoch\",\"step\":5,\"z\":1,\"a\":null,\"epoch\":3}\n");
        }
    }

    @Test
    void resumeKeepsLinesUpToTheCheckpoint() {
        MetricsLog.resume(file, 2).close();
        assertThat(file).hasContent(LINES);
        try (MetricsLog log = MetricsLog.resume(file, 1)) {
            log.write("step", 2, Map.of("loss", 0.5));
        }
        assertThat(file).hasContent(LINES);
        MetricsLog.resume(file, 0).close();
        assertThat(file).isEmptyFile();
    }

    @Test
    void resumeDropsALineTornByAKill() throws IOException {
        Files.writeString(file, "{\"event\":\"st", StandardOpenOption.APPEND);
        assertThat(MetricsLog.read(file)).hasSize(2);
        MetricsLog.resume(file, 2).close();
        assertThat(file).hasContent(LINES);
    }

    @Test
    void aDamagedLineInTheMiddleIsNamed() throws IOException {
        Files.writeString(file, "{\"step\":\n" + LINES);
        assertThatThrownBy(() -> MetricsLog.resume(file, 9))
                .isInstanceOf(CulvertException.class)
                .hasMessageStartingWith(file + ":1: damaged line: ");
        assertThat(file).hasContent("{\"step\":\n" + LINES);
    }
}
