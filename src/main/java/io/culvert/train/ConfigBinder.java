package io.culvert.train;

import io.culvert.CulvertException;
import io.culvert.Nearest;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;

/** Binds a tree of maps to records whose components carry {@link Key}, and says exactly which key is wrong and how. */
final class ConfigBinder {
    private final String origin;

    /** @param origin what messages begin with, as {@code "run.yaml: "} */
    ConfigBinder(String origin) {
        this.origin = origin;
    }

    /** The key of a component: {@code batchSize} is {@code batch_size}. */
    static String keyOf(RecordComponent component) {
        return component.getName().replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
    }

    /** All keys below a section, dotted. */
    static List<String> keys(Class<?> type, String prefix) {
        List<String> keys = new ArrayList<>();
        for (RecordComponent component : type.getRecordComponents()) {
            String key = prefix + keyOf(component);
            if (component.getType().isRecord()) {
                keys.addAll(keys(component.getType(), key + "."));
            } else {
                keys.add(key);
            }
        }
        return keys;
    }

    <T extends Record> T bind(Class<T> type, String prefix, Map<String, Object> tree) {
        RecordComponent[] components = type.getRecordComponents();
        List<String> known = Arrays.stream(components).map(ConfigBinder::keyOf).toList();
        for (String key : tree.keySet()) {
            if (!known.contains(key)) {
                throw fault(prefix + key, "no such key" + meant(key, prefix, known));
            }
        }
        Object[] values = new Object[components.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = component(components[i], prefix + known.get(i), tree.get(known.get(i)));
        }
        return construct(type, components, values);
    }

    private static String meant(String key, String prefix, List<String> siblings) {
        List<String> elsewhere = keys(RunConfig.class, "").stream()
                .filter(full -> full.endsWith("." + key))
                .toList();
        if (!elsewhere.isEmpty()) {
            return "; did you mean '" + String.join("' or '", elsewhere) + "'?";
        }
        return Nearest.of(key, siblings)
                .map(name -> "; did you mean '" + prefix + name + "'?")
                .orElseGet(() -> "; known here: " + String.join(", ", siblings));
    }

    private Object component(RecordComponent component, String key, Object given) {
        Key spec = component.getAnnotation(Key.class);
        Class<?> type = component.getType();
        if (type.isRecord()) {
            return section(type.asSubclass(Record.class), key, given);
        }
        if (given == null && spec.value().equals(Key.REQUIRED)) {
            throw fault(key, "must be given: " + spec.doc());
        }
        Object value = given == null ? YamlFile.value(spec.value()) : given;
        Object bound = scalar(type, key, value);
        if (bound instanceof Number number) {
            checkRange(spec, key, number.doubleValue());
        } else if (bound instanceof OptionalDouble optional && optional.isPresent()) {
            checkRange(spec, key, optional.getAsDouble());
        }
        return bound;
    }

    private <T extends Record> T section(Class<T> type, String key, Object given) {
        return switch (given) {
            case null -> bind(type, key + ".", Map.of());
            case Map<?, ?> map -> {
                @SuppressWarnings("unchecked") // ConfigSource makes only such maps
                Map<String, Object> tree = (Map<String, Object>) map;
                yield bind(type, key + ".", tree);
            }
            case Object other -> throw fault(key, "expected a section of keys, got " + shown(other));
        };
    }

    private Object scalar(Class<?> type, String key, Object given) {
        Object value = given instanceof ConfigSource.Override override ? override.value() : given;
        if (type == String.class || type == Path.class) {
            String text = given instanceof ConfigSource.Override override ? override.text() : asText(key, value);
            return type == Path.class ? Path.of(text) : text;
        }
        if (type == boolean.class) {
            return value instanceof Boolean flag ? flag : wrong(key, "true or false", given);
        }
        if (type == int.class) {
            return value instanceof Integer number ? number : wrong(key, "a whole number", given);
        }
        if (type == long.class) {
            return value instanceof Integer || value instanceof Long
                    ? ((Number) value).longValue()
                    : wrong(key, "a whole number", given);
        }
        if (type == OptionalDouble.class) {
            return value == null ? OptionalDouble.empty() : OptionalDouble.of(number(key, value, given));
        }
        if (type == double.class) {
            return number(key, value, given);
        }
        throw new IllegalStateException("no rule to bind " + type + " at " + key);
    }

    private double number(String key, Object value, Object given) {
        return value instanceof Number number && Double.isFinite(number.doubleValue())
                ? number.doubleValue()
                : (Double) wrong(key, "a number", given);
    }

    private String asText(String key, Object value) {
        return value instanceof String text ? text : (String) wrong(key, "a text (put it in quotes)", value);
    }

    private Object wrong(String key, String expected, Object got) {
        throw fault(key, "expected " + expected + ", got " + shown(got));
    }

    private void checkRange(Key spec, String key, double value) {
        if (spec.positive() && !(value > 0)) {
            throw fault(key, "must be above 0, got " + value);
        }
        if (value < spec.min() || value > spec.max()) {
            String bound = value < spec.min() ? "at least " + spec.min() : "at most " + spec.max();
            throw fault(key, "must be " + bound.replaceAll("\\.0$", "") + ", got " + shown(value));
        }
    }

    private static String shown(Object value) {
        return switch (value) {
            case null -> "nothing";
            case ConfigSource.Override override -> "'" + override.text() + "'";
            case String text -> "'" + text + "'";
            case Map<?, ?> map -> "a section";
            case Double number -> number.toString().replaceAll("\\.0$", "");
            case Object other -> other.toString();
        };
    }

    private <T extends Record> T construct(Class<T> type, RecordComponent[] components, Object[] values) {
        try {
            Constructor<T> constructor = type.getDeclaredConstructor(
                    Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new));
            return constructor.newInstance(values);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof CulvertException fault) {
                throw CulvertException.usage("%s%s", origin, fault.getMessage());
            }
            throw new IllegalStateException(e.getCause());
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    private CulvertException fault(String key, String fault) {
        return CulvertException.usage("%s%s: %s", origin, key, fault);
    }
}
