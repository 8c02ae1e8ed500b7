package io.culvert.train;

import io.culvert.CulvertException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.schema.CoreSchema;

/** A YAML file of keys and values, as maps. */
public final class YamlFile {
    private YamlFile() {}

    /**
     * Reads a file.
     *
     * @throws CulvertException (data) if it is missing; (usage) naming line and column if it is no YAML of keys and values
     */
    public static Map<?, ?> read(Path file) {
        try {
            return parse(file, Files.readString(file));
        } catch (NoSuchFileException e) {
            throw CulvertException.data("%s: no such configuration file", file);
        } catch (IOException e) {
            throw CulvertException.data(e, "%s: cannot read the configuration: %s", file, e.getMessage());
        }
    }

    /** As {@link #read}, of text that stands in a file. */
    static Map<?, ?> parse(Path file, String text) {
        try {
            return switch (value(text)) {
                case null -> Map.of();
                case Map<?, ?> map -> map;
                case Object other ->
                    throw CulvertException.usage("%s: expected 'key: value' lines, got %s", file, other);
            };
        } catch (MarkedYamlEngineException e) {
            String place = e.getProblemMark()
                    .map(mark -> ":" + (mark.getLine() + 1) + ":" + (mark.getColumn() + 1))
                    .orElse("");
            throw CulvertException.usage("%s%s: no valid YAML: %s", file, place, e.getProblem());
        } catch (YamlEngineException e) {
            throw CulvertException.usage("%s: no valid YAML: %s", file, e.getMessage());
        }
    }

    /**
     * What a text alone means.
     *
     * @throws YamlEngineException if it is no YAML
     */
    static Object value(String text) {
        return new Load(LoadSettings.builder().setSchema(new CoreSchema()).build()).loadFromString(text);
    }
}
