package io.culvert.study;

import io.culvert.CulvertException;
import io.culvert.Nearest;
import io.culvert.train.YamlFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/** A section of a YAML file, read key by key; what is wrong is said with file and key. */
final class YamlTree {
    private final Path file;
    private final String prefix;
    private final Map<String, Object> values;
    private final Set<String> known = new TreeSet<>();

    private YamlTree(Path file, String prefix, Map<?, ?> values) {
        this.file = file;
        this.prefix = prefix;
        this.values = new LinkedHashMap<>();
        values.forEach((key, value) -> this.values.put(String.valueOf(key), value));
    }

    /**
     * Reads a file.
     *
     * @throws CulvertException as {@link YamlFile#read}
     */
    static YamlTree read(Path file) {
        return new YamlTree(file, "", YamlFile.read(file));
    }

    Optional<YamlTree> section(String key) {
        return Optional.ofNullable(get(key)).map(value -> section(key, value));
    }

    /** The sections of a section, in their order, by name. */
    Map<String, YamlTree> sections(String key) {
        YamlTree outer = section(key).orElseThrow(() -> fault(key, "must be given"));
        Map<String, YamlTree> sections = new LinkedHashMap<>();
        outer.values.forEach((name, value) -> sections.put(name, outer.section(name, value == null ? Map.of() : value)));
        return sections;
    }

    private YamlTree section(String key, Object value) {
        if (value instanceof Map<?, ?> map) {
            return new YamlTree(file, prefix + key + ".", map);
        }
        throw fault(key, "expected a section of keys, got " + value);
    }

    String text(String key, String otherwise) {
        Object value = get(key);
        return value == null ? otherwise : String.valueOf(value);
    }

    boolean flag(String key, boolean otherwise) {
        return switch (get(key)) {
            case null -> otherwise;
            case Boolean flag -> flag;
            case Object other -> throw fault(key, "expected true or false, got " + other);
        };
    }

    long whole(String key, long otherwise, long least) {
        Object value = get(key);
        long whole = value == null ? otherwise : whole(key, value);
        if (whole < least) {
            throw fault(key, "must be at least " + least + ", got " + whole);
        }
        return whole;
    }

    double number(String key, double otherwise) {
        Object value = get(key);
        return value == null ? otherwise : number(key, value);
    }

    /** A list of shares, each above 0 and below 1. */
    List<Double> shares(String key) {
        return list(key, value -> {
            double share = number(key, value);
            if (!(share > 0 && share < 1)) {
                throw fault(key, "a share is above 0 and below 1, got " + value);
            }
            return share;
        });
    }

    List<Long> wholes(String key, List<Long> otherwise) {
        return get(key) == null ? otherwise : list(key, value -> whole(key, value));
    }

    List<String> texts(String key, List<String> otherwise) {
        return get(key) == null ? otherwise : list(key, String::valueOf);
    }

    /** Everything that was not asked for yet, as {@code key=value}. */
    List<String> overrides() {
        List<String> overrides = new ArrayList<>();
        values.forEach((key, value) -> {
            if (known.add(key)) {
                flatten(key, value, overrides);
            }
        });
        return overrides;
    }

    private static void flatten(String key, Object value, List<String> overrides) {
        if (value instanceof Map<?, ?> map) {
            map.forEach((inner, of) -> flatten(key + "." + inner, of, overrides));
        } else {
            overrides.add(key + "=" + value);
        }
    }

    /** @throws CulvertException (usage) if the section has a key that nothing asked for */
    void requireNoOther() {
        for (String key : values.keySet()) {
            if (!known.contains(key)) {
                throw fault(key, "no such key" + Nearest.of(key, known).map(name -> "; did you mean '" + prefix + name + "'?")
                        .orElseGet(() -> "; known here: " + String.join(", ", known)));
            }
        }
    }

    CulvertException fault(String key, String fault) {
        return CulvertException.usage("%s: %s%s: %s", file, prefix, key, fault);
    }

    private Object get(String key) {
        known.add(key);
        return values.get(key);
    }

    private <T> List<T> list(String key, Function<Object, T> element) {
        Object value = get(key);
        if (!(value instanceof List<?> given) || given.isEmpty()) {
            throw fault(key, "expected a list, as [a, b], got " + (value == null ? "nothing" : value));
        }
        List<T> list = new ArrayList<>();
        for (Object one : given) {
            T bound = element.apply(one);
            if (list.contains(bound)) {
                throw fault(key, one + " is listed twice");
            }
            list.add(bound);
        }
        return List.copyOf(list);
    }

    private long whole(String key, Object value) {
        if (value instanceof Integer || value instanceof Long) {
            return ((Number) value).longValue();
        }
        throw fault(key, "expected a whole number, got " + value);
    }

    private double number(String key, Object value) {
        if (value instanceof Number number) {
            return number.doubleValue();
        }
        throw fault(key, "expected a number, got " + value);
    }
}
