package io.culvert.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.culvert.CulvertException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collection;
import java.util.Map;

/** Results over time: one JSON line a run. */
final class History {
    private static final ObjectMapper JSON = new ObjectMapper();

    private History() {}

    /** Appends a run with what it ran on. */
    static void append(Path file, Map<String, String> context, Collection<Measurement> measurements) {
        ObjectNode run = JSON.createObjectNode();
        context.forEach(run::put);
        var results = run.putArray("results");
        for (Measurement m : measurements) {
            ObjectNode node = results.addObject()
                    .put("bench", m.bench())
                    .put("shape", m.shape())
                    .put("side", m.side())
                    .put("median_s", m.median());
            m.seconds().forEach(node.withArray("seconds")::add);
            if (!Double.isNaN(m.first().seconds())) {
                node.put("first_s", m.first().seconds());
            }
            if (!Double.isNaN(m.peakMebibytes())) {
                node.put("peak_rss_mib", m.peakMebibytes());
            }
            if (!Double.isNaN(m.heapBytes())) {
                node.put("heap_bytes_per_op", m.heapBytes());
            }
        }
        try {
            if (file.toAbsolutePath().getParent() != null) {
                Files.createDirectories(file.toAbsolutePath().getParent());
            }
            Files.writeString(
                    file,
                    JSON.writeValueAsString(run) + System.lineSeparator(),
                    StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw CulvertException.data(e, "cannot append to %s: %s; choose another --results", file, e.getMessage());
        }
    }
}
