package io.culvert.safetensors;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.culvert.CulvertException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The header of a file, checked against the file's size: every tensor's byte range is what its type and shape need, and
 * together the ranges cover the data exactly, as the reference implementation demands.
 */
record Header(long dataStart, Map<String, String> metadata, List<Entry> entries) {
    /** One tensor; its bytes are {@code [begin, end)} from the start of the data. */
    record Entry(String name, StoredType type, List<Long> shape, long begin, long end) {}

    static final String METADATA = "__metadata__";
    static final ValueLayout.OfLong LENGTH = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** The reference implementation's limit. */
    static final long MAX_LENGTH = 100_000_000;

    private static final ObjectReader JSON = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build()
            .readerFor(JsonNode.class);

    static Header parse(Path path, MemorySegment file) {
        if (file.byteSize() < LENGTH.byteSize()) {
            throw fault(path, "is %d bytes long, too short to hold the header's length", file.byteSize());
        }
        long length = file.get(LENGTH, 0);
        long room = file.byteSize() - LENGTH.byteSize();
        if (length < 0 || length > MAX_LENGTH) {
            throw fault(path, "header length %s exceeds %d", Long.toUnsignedString(length), MAX_LENGTH);
        }
        if (length > room) {
            throw fault(path, "truncated: the header has %d bytes, only %d follow", length, room);
        }
        JsonNode root = parseJson(path, file.asSlice(LENGTH.byteSize(), length));
        if (!root.isObject()) {
            throw fault(path, "header is no JSON object");
        }
        Map<String, String> metadata = new LinkedHashMap<>();
        List<Entry> entries = new ArrayList<>();
        for (Map.Entry<String, JsonNode> field : root.properties()) {
            if (field.getKey().equals(METADATA)) {
                readMetadata(path, field.getValue(), metadata);
            } else {
                entries.add(readEntry(path, field.getKey(), field.getValue()));
            }
        }
        entries.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
        checkCover(path, entries, room - length);
        return new Header(LENGTH.byteSize() + length, metadata, entries);
    }

    private static JsonNode parseJson(Path path, MemorySegment header) {
        byte[] bytes = header.toArray(ValueLayout.JAVA_BYTE);
        try {
            JsonNode root = JSON.readTree(bytes);
            if (root.isMissingNode()) {
                throw fault(path, "header is empty");
            }
            return root;
        } catch (JsonProcessingException e) {
            throw fault(path, "header is no valid JSON: %s", e.getOriginalMessage());
        } catch (IOException e) {
            throw fault(path, "header is no valid JSON: %s", e.getMessage());
        }
    }

    private static void readMetadata(Path path, JsonNode node, Map<String, String> metadata) {
        if (!node.isObject()) {
            throw fault(path, "%s is no JSON object", METADATA);
        }
        for (Map.Entry<String, JsonNode> field : node.properties()) {
            if (!field.getValue().isTextual()) {
                throw fault(path, "%s: '%s' is no string", METADATA, field.getKey());
            }
            metadata.put(field.getKey(), field.getValue().textValue());
        }
    }

    private static Entry readEntry(Path path, String name, JsonNode node) {
        if (name.isEmpty()) {
            throw fault(path, "a tensor has an empty name");
        }
        Set<String> keys = Set.of("dtype", "shape", "data_offsets");
        if (!node.isObject() || node.size() != keys.size() || !keys.stream().allMatch(node::has)) {
            throw fault(path, "tensor '%s': expected an object of dtype, shape and data_offsets", name);
        }
        JsonNode dtype = node.get("dtype");
        StoredType type = StoredType.named(dtype.isTextual() ? dtype.textValue() : "")
                .orElseThrow(() ->
                        fault(path, "tensor '%s': dtype %s is none of %s", name, dtype, List.of(StoredType.values())));
        List<Long> shape = sizes(path, name, "shape", node.get("shape"));
        List<Long> offsets = sizes(path, name, "data_offsets", node.get("data_offsets"));
        if (offsets.size() != 2 || offsets.get(0) > offsets.get(1)) {
            throw fault(path, "tensor '%s': data_offsets %s are not [begin, end]", name, offsets);
        }
        Entry entry = new Entry(name, type, shape, offsets.get(0), offsets.get(1));
        checkBytes(path, entry);
        return entry;
    }

    private static List<Long> sizes(Path path, String name, String key, JsonNode node) {
        List<Long> sizes = new ArrayList<>();
        if (node.isArray()) {
            for (JsonNode size : node) {
                if (size.isIntegralNumber() && size.canConvertToLong() && size.longValue() >= 0) {
                    sizes.add(size.longValue());
                }
            }
        }
        if (!node.isArray() || sizes.size() != node.size()) {
            throw fault(path, "tensor '%s': %s %s is no list of sizes", name, key, node);
        }
        return sizes;
    }

    private static void checkBytes(Path path, Entry entry) {
        long bytes = entry.type().bytes;
        try {
            for (long size : entry.shape()) {
                bytes = Math.multiplyExact(bytes, size);
            }
        } catch (ArithmeticException e) {
            throw fault(path, "tensor '%s': shape %s overflows", entry.name(), entry.shape());
        }
        if (bytes != entry.end() - entry.begin()) {
            throw fault(
                    path,
                    "tensor '%s': %s%s needs %d bytes, data_offsets give %d",
                    entry.name(),
                    entry.type(),
                    entry.shape(),
                    bytes,
                    entry.end() - entry.begin());
        }
    }

    private static void checkCover(Path path, List<Entry> entries, long dataBytes) {
        long covered = 0;
        for (Entry entry : entries) {
            if (entry.begin() != covered) {
                throw fault(
                        path,
                        "tensor '%s' begins at byte %d of the data, %s %d",
                        entry.name(),
                        entry.begin(),
                        entry.begin() < covered ? "inside the tensor before it, which ends at" : "leaving a hole from",
                        covered);
            }
            covered = entry.end();
        }
        if (covered > dataBytes) {
            throw fault(path, "truncated: the tensors need %d bytes of data, the file has %d", covered, dataBytes);
        }
        if (covered < dataBytes) {
            throw fault(path, "%d bytes follow the last tensor", dataBytes - covered);
        }
    }

    private static CulvertException fault(Path path, String format, Object... args) {
        return CulvertException.data("%s: not a valid safetensors file: %s", path, format.formatted(args));
    }
}
