package io.culvert.safetensors;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.culvert.AtomicFile;
import io.culvert.CulvertException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Writes a file byte for byte as the reference implementation does: types from wide to narrow, then by name. */
public final class SafetensorsWriter {
    private static final int ALIGNMENT = 8;

    /** A byte buffer holds at most 2 GiB, a tensor may hold more. */
    private static final long CHUNK = 1L << 30;

    private static final JsonMapper JSON = new JsonMapper();

    private SafetensorsWriter() {}

    /**
     * Replaces {@code path} atomically, streaming the tensors' own memory; the new file is on disk when this returns.
     *
     * @throws CulvertException (data) if the disk is full or the folder cannot be written; an old file is then whole
     */
    public static void write(Path path, Map<String, String> metadata, Collection<StoredTensor> tensors) {
        List<StoredTensor> ordered = new ArrayList<>(tensors);
        ordered.sort(Comparator.comparing(StoredTensor::type).reversed().thenComparing(StoredTensor::name));
        checkNames(ordered);
        AtomicFile.replace(path, channel -> {
            writeFully(channel, header(metadata, ordered));
            for (StoredTensor tensor : ordered) {
                writeFully(channel, tensor.data());
            }
        });
    }

    private static void checkNames(List<StoredTensor> tensors) {
        Set<String> seen = new HashSet<>();
        for (StoredTensor tensor : tensors) {
            String name = tensor.name();
            if (name.isEmpty() || name.equals(Header.METADATA) || !seen.add(name)) {
                throw new IllegalArgumentException("tensor name '" + name + "' is empty, reserved or used twice");
            }
        }
    }

    private static ByteBuffer header(Map<String, String> metadata, List<StoredTensor> tensors) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (JsonGenerator json = JSON.createGenerator(bytes)) {
            json.writeStartObject();
            if (!metadata.isEmpty()) {
                json.writePOJOField(Header.METADATA, metadata);
            }
            long begin = 0;
            for (StoredTensor tensor : tensors) {
                long end = begin + tensor.data().byteSize();
                json.writeObjectFieldStart(tensor.name());
                json.writeStringField("dtype", tensor.type().name());
                json.writePOJOField("shape", tensor.shape());
                json.writePOJOField("data_offsets", new long[] {begin, end});
                json.writeEndObject();
                begin = end;
            }
            json.writeEndObject();
        }
        while (bytes.size() % ALIGNMENT != 0) {
            bytes.write(' ');
        }
        return ByteBuffer.allocate(Long.BYTES + bytes.size())
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(bytes.size())
                .put(bytes.toByteArray())
                .flip();
    }

    private static void writeFully(FileChannel channel, MemorySegment data) throws IOException {
        for (long offset = 0; offset < data.byteSize(); offset += CHUNK) {
            long size = Math.min(CHUNK, data.byteSize() - offset);
            writeFully(channel, data.asSlice(offset, size).asByteBuffer());
        }
    }

    private static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }
}
