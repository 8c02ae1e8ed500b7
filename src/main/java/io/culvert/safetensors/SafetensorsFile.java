package io.culvert.safetensors;

import io.culvert.CulvertException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** A file mapped into memory and checked as a whole; its tensors are views of the mapping, nothing is copied. */
public final class SafetensorsFile {
    private final Path path;
    private final Map<String, String> metadata;
    private final Map<String, StoredTensor> tensors = new LinkedHashMap<>();

    private SafetensorsFile(Path path, Map<String, String> metadata) {
        this.path = path;
        this.metadata = Collections.unmodifiableMap(metadata);
    }

    /**
     * Maps {@code path} for as long as {@code arena} lives.
     *
     * @throws CulvertException (data) if the file is missing, truncated or malformed; the message names the fault
     */
    public static SafetensorsFile map(Path path, Arena arena) {
        MemorySegment bytes = mapBytes(path, arena);
        Header header = Header.parse(path, bytes);
        SafetensorsFile file = new SafetensorsFile(path, header.metadata());
        for (Header.Entry entry : header.entries()) {
            MemorySegment data = bytes.asSlice(header.dataStart() + entry.begin(), entry.end() - entry.begin());
            file.tensors.put(entry.name(), new StoredTensor(entry.name(), entry.type(), entry.shape(), data));
        }
        return file;
    }

    private static MemorySegment mapBytes(Path path, Arena arena) {
        if (!Files.isRegularFile(path)) {
            throw CulvertException.data("%s: %s", path, Files.exists(path) ? "not a regular file" : "no such file");
        }
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
        } catch (IOException e) {
            throw CulvertException.data(e, "%s: cannot read: %s", path, e.getMessage());
        }
    }

    /** The file that was mapped. */
    public Path path() {
        return path;
    }

    /** The strings under {@code __metadata__}; empty if there are none. */
    public Map<String, String> metadata() {
        return metadata;
    }

    /** All tensors, in the order of their bytes. */
    public Collection<StoredTensor> tensors() {
        return Collections.unmodifiableCollection(tensors.values());
    }

    public boolean has(String name) {
        return tensors.containsKey(name);
    }

    /** The tensor of that name; a data error that names the file if it has none. */
    public StoredTensor tensor(String name) {
        StoredTensor tensor = tensors.get(name);
        if (tensor == null) {
            throw CulvertException.data("%s: has no tensor '%s'", path, name);
        }
        return tensor;
    }
}
