package io.culvert.train;

import io.culvert.CulvertException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/** Reads the YAML file and the overrides into one tree of maps, and has it bound to the records. */
final class ConfigSource {
    /** A value given as {@code key=value}: what YAML makes of it, and the text for keys that take a text. */
    record Override(String text, Object value) {}

    private ConfigSource() {}

    static RunConfig read(Path file, List<String> overrides) {
        String fileName = file.getFileName().toString();
        int dot = fileName.lastIndexOf('.');
        return bind(file + ": ", dot > 0 ? fileName.substring(0, dot) : fileName, YamlFile.read(file), overrides);
    }

    /** @param file where the text stands */
    static RunConfig parse(Path file, String defaultName, String text, List<String> overrides) {
        return bind(file + ": ", defaultName, YamlFile.parse(file, text), overrides);
    }

    static RunConfig bind(String origin, String defaultName, Map<?, ?> tree, List<String> overrides) {
        Map<String, Object> merged = copy(tree);
        for (String override : overrides) {
            apply(merged, override);
        }
        merged.putIfAbsent("name", defaultName);
        if ("".equals(merged.get("name"))) {
            merged.put("name", defaultName);
        }
        RunConfig config = new ConfigBinder(origin).bind(RunConfig.class, "", merged);
        if (!config.name().matches("[A-Za-z0-9][A-Za-z0-9._-]*")) {
            throw CulvertException.usage(
                    "%sname: '%s' is no folder name; use letters, digits, '.', '_' and '-'", origin, config.name());
        }
        return config;
    }

    private static Map<String, Object> copy(Map<?, ?> tree) {
        Map<String, Object> copy = new LinkedHashMap<>();
        tree.forEach((key, value) -> copy.put(String.valueOf(key), value instanceof Map<?, ?> m ? copy(m) : value));
        return copy;
    }

    private static void apply(Map<String, Object> tree, String override) {
        int equals = override.indexOf('=');
        if (equals < 1) {
            throw CulvertException.usage("'%s': an override is key=value, as optim.lr=0.1", override);
        }
        String[] path = override.substring(0, equals).split("\\.", -1);
        Map<String, Object> section = tree;
        for (int i = 0; i < path.length - 1; i++) {
            Object inner = section.get(path[i]);
            if (!(inner instanceof Map<?, ?>)) {
                section.put(path[i], new LinkedHashMap<String, Object>());
            }
            @SuppressWarnings("unchecked") // copy() and the line above put only such maps here
            Map<String, Object> next = (Map<String, Object>) section.get(path[i]);
            section = next;
        }
        String text = override.substring(equals + 1);
        section.put(path[path.length - 1], new Override(text, parseValue(text)));
    }

    private static Object parseValue(String text) {
        try {
            return YamlFile.value(text);
        } catch (YamlEngineException e) {
            return text; // such as a text that begins with a quote; only a key that takes a text will accept it
        }
    }
}
