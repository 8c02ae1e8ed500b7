package io.culvert.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.culvert.AtomicFile;
import io.culvert.CulvertException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * {@code metrics.jsonl}: one JSON object a line, {@code {"event":"step","step":10,"loss":4.2,...}}, handed to the system
 * as soon as it is written, in the order of the steps.
 */
public final class MetricsLog implements AutoCloseable {
    private static final JsonMapper JSON = new JsonMapper();
    private static final ObjectReader READER = JSON.readerFor(JsonNode.class);

    private final Path file;
    private final FileChannel channel;

    private MetricsLog(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /** Begins an empty log. */
    public static MetricsLog create(Path file) {
        return open(file, 0);
    }

    /**
     * Continues a log behind the lines of {@code step} and before: what a killed run wrote after its last checkpoint
     * is cut off, for the resumed run will write it again.
     *
     * @throws CulvertException (data) if a line but the last is damaged
     */
    public static MetricsLog resume(Path file, long step) {
        long keep = 0;
        for (Line line : lines(file)) {
            if (line.json().path("step").asLong() > step) {
                break;
            }
            keep = line.end();
        }
        return open(file, keep);
    }

    private static MetricsLog open(Path file, long keep) {
        try {
            FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            channel.truncate(keep);
            channel.position(keep);
            return new MetricsLog(file, channel);
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(file, e);
        }
    }

    /** All whole lines of a log; a last line torn by a kill is left out. */
    public static List<JsonNode> read(Path file) {
        return lines(file).stream().map(Line::json).toList();
    }

    private record Line(JsonNode json, long end) {}

    private static List<Line> lines(Path file) {
        byte[] bytes;
        try {
            bytes = Files.readAllBytes(file);
        } catch (IOException e) {
            throw CulvertException.data(e, "%s: cannot read: %s", file, e.getMessage());
        }
        List<Line> lines = new ArrayList<>();
        int begin = 0;
        for (int i = 0; i < bytes.length; i++) {
            if (bytes[i] == '\n') {
                lines.add(new Line(parse(file, lines.size() + 1, bytes, begin, i - begin), i + 1));
                begin = i + 1;
            }
        }
        return lines;
    }

    private static JsonNode parse(Path file, int number, byte[] bytes, int begin, int length) {
        try {
            JsonNode json = READER.readTree(bytes, begin, length);
            if (json.isObject()) {
                return json;
            }
        } catch (JsonProcessingException e) {
            throw CulvertException.data("%s:%d: damaged line: %s", file, number, e.getOriginalMessage());
        } catch (IOException e) {
            throw CulvertException.data("%s:%d: damaged line: %s", file, number, e.getMessage());
        }
        throw CulvertException.data("%s:%d: damaged line: no JSON object", file, number);
    }

    /**
     * Appends a line.
     *
     * @param event what happened: {@code step}, {@code epoch}, {@code probe}, ...
     * @param values numbers and texts in the order they are to stand; NaN and infinity become {@code null}, for JSON knows neither
     */
    public void write(String event, long step, Map<String, ?> values) {
        ObjectNode line = JSON.createObjectNode().put("event", event).put("step", step);
        values.forEach((key, value) -> {
            switch (value) {
                case Long whole -> line.put(key, whole);
                case Integer whole -> line.put(key, whole.longValue());
                case Number number when Double.isFinite(number.doubleValue()) -> line.put(key, number.doubleValue());
                case Number noNumber -> line.putNull(key);
                default -> line.put(key, value.toString());
            }
        });
        ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
        try {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(file, e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(file, e);
        }
    }
}
