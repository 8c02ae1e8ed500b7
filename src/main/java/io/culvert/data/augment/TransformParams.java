package io.culvert.data.augment;

import io.culvert.CulvertException;
import io.culvert.data.augment.ColorJitter.Adjustment;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Typed access to a transform's parameters; each failure names the transform and the parameter. */
record TransformParams(String transform, Map<String, Object> values) {

    double number(String key) {
        return asNumber(key, required(key));
    }

    int integer(String key) {
        double value = number(key);
        if (value != Math.rint(value) || Math.abs(value) > Integer.MAX_VALUE) {
            throw bad(key, "a whole number", value);
        }
        return (int) value;
    }

    int positive(String key) {
        int value = integer(key);
        if (value < 1) {
            throw bad(key, "at least 1", value);
        }
        return value;
    }

    boolean flag(String key, boolean otherwise) {
        Object value = values.getOrDefault(key, otherwise);
        if (value instanceof Boolean flag) {
            return flag;
        }
        throw bad(key, "true or false", value);
    }

    List<?> list(String key, List<?> otherwise) {
        if (values.getOrDefault(key, otherwise) instanceof List<?> list) {
            return list;
        }
        throw bad(key, "a list", values.get(key));
    }

    Interpolation interpolation() {
        Object value = required("interpolation");
        Interpolation found = Interpolation.byName(String.valueOf(value));
        if (found == null) {
            throw bad("interpolation", "bilinear or bicubic", value);
        }
        return found;
    }

    /** An adjustment by name, or by torchvision's index in brightness, contrast, saturation, hue. */
    Adjustment adjustment(Object step) {
        for (Adjustment each : Adjustment.values()) {
            boolean byName = each.name().toLowerCase(Locale.ROOT).equals(step);
            if (byName || step instanceof Number index && index.doubleValue() == each.ordinal()) {
                return each;
            }
        }
        throw bad("order", "brightness, contrast, saturation or hue", step);
    }

    /** One number, which counts for both axes, or a list of two. */
    double[] pair(String key) {
        Object value = required(key);
        if (value instanceof List<?> list && (list.size() == 1 || list.size() == 2)) {
            return new double[] {asNumber(key, list.getFirst()), asNumber(key, list.getLast())};
        }
        double both = asNumber(key, value);
        return new double[] {both, both};
    }

    /** {@code mean} and {@code std}, three numbers each. */
    Normalization normalization() {
        return new Normalization(channels("mean"), channels("std"));
    }

    private List<Double> channels(String key) {
        Object value = required(key);
        if (!(value instanceof List<?> list) || list.size() != 3) {
            throw bad(key, "a list of 3 numbers", value);
        }
        return list.stream().map(number -> asNumber(key, number)).toList();
    }

    private double asNumber(String key, Object value) {
        if (value instanceof Number number) {
            return number.doubleValue();
        }
        throw bad(key, "a number", value);
    }

    private Object required(String key) {
        Object value = values.get(key);
        if (value == null) {
            throw CulvertException.data("%s: parameter '%s' is missing", transform, key);
        }
        return value;
    }

    private CulvertException bad(String key, String wanted, Object got) {
        return CulvertException.data("%s: parameter '%s' must be %s, got %s", transform, key, wanted, got);
    }
}
