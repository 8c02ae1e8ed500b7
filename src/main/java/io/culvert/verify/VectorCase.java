package io.culvert.verify;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.culvert.CulvertException;
import io.culvert.Nearest;
import io.culvert.safetensors.SafetensorsFile;
import io.culvert.safetensors.StoredTensor;
import io.culvert.safetensors.StoredType;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * One conformance vector. Its tensors are named {@code group/name}: {@code in}, {@code param}, {@code buffer} and
 * {@code gradout} are given, {@code out} and {@code grad} are expected.
 */
final class VectorCase {
    static final List<String> KINDS =
            List.of("op", "loss", "model", "optimizer", "transform", "metric", "trajectory");

    private static final List<String> GROUPS = List.of("in", "param", "buffer", "gradout", "out", "grad");
    private static final JsonMapper JSON = new JsonMapper();

    private final SafetensorsFile file;
    private final String kind;
    private final String name;
    private final Map<String, Object> params;
    private final OptionalDouble tolerance;

    /**
     * Maps the file for as long as {@code arena} lives.
     *
     * @throws CulvertException if it is malformed
     */
    VectorCase(Path path, Arena arena) {
        file = SafetensorsFile.map(path, arena);
        kind = metadata("kind");
        name = metadata("name");
        params = parseParams();
        tolerance = parseTolerance();
        if (!KINDS.contains(kind)) {
            throw fault("unknown kind '%s'%s", kind, Nearest.hint(kind, KINDS));
        }
        for (StoredTensor tensor : file.tensors()) {
            if (!tensor.name().contains("/") || !GROUPS.contains(tensor.name().split("/", 2)[0])) {
                throw fault("tensor '%s' is in none of the groups %s", tensor.name(), GROUPS);
            }
        }
        if (expected().isEmpty()) {
            throw fault("expects nothing: no tensor begins with out/ or grad/");
        }
    }

    private String metadata(String key) {
        String value = file.metadata().get(key);
        if (value == null) {
            throw fault("metadata lacks '%s'", key);
        }
        return value;
    }

    private Map<String, Object> parseParams() {
        try {
            Map<String, Object> parsed = JSON.readValue(metadata("params"), new TypeReference<>() {});
            if (parsed == null) {
                throw fault("metadata 'params' is no JSON object");
            }
            return parsed;
        } catch (JsonProcessingException e) {
            throw fault("metadata 'params' is no JSON object: %s", e.getOriginalMessage());
        }
    }

    private OptionalDouble parseTolerance() {
        String text = file.metadata().get("tolerance");
        if (text == null) {
            return OptionalDouble.empty();
        }
        try {
            double value = Double.parseDouble(text);
            if (value >= 0 && Double.isFinite(value)) {
                return OptionalDouble.of(value);
            }
        } catch (NumberFormatException e) {
            throw fault("metadata 'tolerance' is no number: '%s'", text);
        }
        throw fault("metadata 'tolerance' is out of range: '%s'", text);
    }

    Path path() {
        return file.path();
    }

    String kind() {
        return kind;
    }

    String name() {
        return name;
    }

    /** The case's own tolerance, if it has one. */
    OptionalDouble tolerance() {
        return tolerance;
    }

    /** The parameters as JSON gives them. */
    Map<String, Object> params() {
        return params;
    }

    double number(String key) {
        if (params.get(key) instanceof Number value) {
            return value.doubleValue();
        }
        throw fault("parameter '%s' must be a number, got %s", key, params.get(key));
    }

    int integer(String key) {
        double value = number(key);
        if (value != Math.rint(value) || Math.abs(value) > Integer.MAX_VALUE) {
            throw fault("parameter '%s' must be a whole number, got %s", key, params.get(key));
        }
        return (int) value;
    }

    boolean flag(String key) {
        if (params.get(key) instanceof Boolean value) {
            return value;
        }
        throw fault("parameter '%s' must be true or false, got %s", key, params.get(key));
    }

    boolean has(String tensor) {
        return file.has(tensor);
    }

    /** A given tensor by its full name, as {@code in/x}. */
    StoredTensor tensor(String fullName) {
        return file.tensor(fullName);
    }

    /** A given tensor that must have this many axes. */
    StoredTensor tensor(String fullName, int rank) {
        StoredTensor tensor = tensor(fullName);
        if (tensor.shape().size() != rank) {
            throw fault("tensor '%s' must have %d axes, has shape %s", fullName, rank, tensor.shape());
        }
        return tensor;
    }

    /** The elements of an I64 tensor. */
    long[] longs(String fullName) {
        StoredTensor tensor = tensor(fullName);
        if (tensor.type() != StoredType.I64) {
            throw fault("tensor '%s' must be I64, is %s", fullName, tensor.type());
        }
        return tensor.toLongs();
    }

    /** All tensors of a group by the rest of their names: {@code group("param")} has {@code conv1.weight}. */
    Map<String, StoredTensor> group(String group) {
        Map<String, StoredTensor> tensors = new LinkedHashMap<>();
        String prefix = group + "/";
        for (StoredTensor tensor : file.tensors()) {
            if (tensor.name().startsWith(prefix)) {
                tensors.put(tensor.name().substring(prefix.length()), tensor);
            }
        }
        return tensors;
    }

    /** Whether any gradient is expected. */
    boolean expectsGradients() {
        return !group("grad").isEmpty();
    }

    /** The tensors that the program must reproduce, under their full names. */
    Collection<StoredTensor> expected() {
        return file.tensors().stream()
                .filter(tensor ->
                        tensor.name().startsWith("out/") || tensor.name().startsWith("grad/"))
                .toList();
    }

    /** A fault of this file, in one line that names it. */
    CulvertException fault(String format, Object... args) {
        return CulvertException.usage("%s: %s", file.path(), format.formatted(args));
    }

    /** The fault of a name that this kind does not have. */
    CulvertException unknownName(Collection<String> known) {
        return fault("unknown or unsupported %s '%s'; supported: %s", kind, name, String.join(", ", known));
    }
}
