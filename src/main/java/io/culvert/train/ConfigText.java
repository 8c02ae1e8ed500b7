package io.culvert.train;

import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.OptionalDouble;
import java.util.Set;

/** Writes a configuration as YAML: the values of one run, or every key with its meaning. */
final class ConfigText {
    private static final int COMMENT_COLUMN = 36;

    private ConfigText() {}

    static String resolved(Record config) {
        return resolved(config, Set.of());
    }

    /** @param without keys that are left out */
    static String resolved(Record config, Set<String> without) {
        StringBuilder out = new StringBuilder();
        appendValues(out, config, "", without);
        return out.toString();
    }

    private static void appendValues(StringBuilder out, Record section, String indent, Set<String> without) {
        for (RecordComponent component : section.getClass().getRecordComponents()) {
            String key = ConfigBinder.keyOf(component);
            if (without.contains(key)) {
                continue;
            }
            Object value = get(component, section);
            if (value instanceof Record inner) {
                out.append(indent).append(key).append(":\n");
                appendValues(out, inner, indent + "  ", Set.of());
            } else {
                out.append(indent)
                        .append(key)
                        .append(": ")
                        .append(scalar(value))
                        .append('\n');
            }
        }
    }

    private static Object get(RecordComponent component, Record section) {
        try {
            return component.getAccessor().invoke(section);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String scalar(Object value) {
        return switch (value) {
            case String text -> quoted(text);
            case Path path -> quoted(path.toString());
            case OptionalDouble number -> number.isPresent() ? Double.toString(number.getAsDouble()) : "null";
            case Object other -> other.toString();
        };
    }

    private static String quoted(String text) {
        return "'" + text.replace("'", "''") + "'";
    }

    static String reference(Class<? extends Record> type) {
        StringBuilder out = new StringBuilder();
        appendReference(out, type, "");
        return out.toString();
    }

    private static void appendReference(StringBuilder out, Class<?> type, String indent) {
        for (RecordComponent component : type.getRecordComponents()) {
            Key key = component.getAnnotation(Key.class);
            String line = indent + ConfigBinder.keyOf(component) + ":";
            boolean section = component.getType().isRecord();
            if (!section) {
                line += " " + (key.value().isEmpty() ? "null" : key.value());
            }
            out.append(line).repeat(" ", Math.max(1, COMMENT_COLUMN - line.length()));
            out.append("# ").append(key.doc()).append(range(key)).append('\n');
            if (section) {
                appendReference(out, component.getType(), indent + "  ");
            }
        }
    }

    private static String range(Key key) {
        boolean low = key.min() > Double.NEGATIVE_INFINITY;
        boolean high = key.max() < Double.POSITIVE_INFINITY;
        String from = low ? number(key.min()) : key.positive() ? "above 0" : "";
        if (high) {
            return " (" + from + " to " + number(key.max()) + ")";
        }
        return low ? " (at least " + from + ")" : key.positive() ? " (above 0)" : "";
    }

    private static String number(double value) {
        return Double.toString(value).replaceAll("\\.0$", "");
    }
}
