package io.culvert.data.augment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Just enough of safetensors to read a transform's conformance vector. */
record VectorFile(String name, Map<String, Object> params, int[] imageShape, byte[] image, int[] shape, float[] y) {

    static VectorFile read(Path file) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        int headerLength = (int) bytes.getLong();
        ObjectMapper json = new ObjectMapper();
        JsonNode header = json.readTree(bytes.array(), 8, headerLength);
        JsonNode metadata = header.get("__metadata__");
        @SuppressWarnings("unchecked")
        Map<String, Object> params = json.readValue(metadata.get("params").asText(), Map.class);
        int data = 8 + headerLength;
        JsonNode imageEntry = header.get("in/image");
        byte[] image = new byte[length(imageEntry)];
        bytes.get(data + begin(imageEntry), image);
        JsonNode outEntry = header.get("out/y");
        float[] y = new float[length(outEntry) / Float.BYTES];
        bytes.position(data + begin(outEntry)).slice().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(y);
        return new VectorFile(metadata.get("name").asText(), params, shape(imageEntry), image, shape(outEntry), y);
    }

    private static int begin(JsonNode entry) {
        return entry.get("data_offsets").get(0).asInt();
    }

    private static int length(JsonNode entry) {
        return entry.get("data_offsets").get(1).asInt() - begin(entry);
    }

    private static int[] shape(JsonNode entry) {
        int[] shape = new int[entry.get("shape").size()];
        for (int i = 0; i < shape.length; i++) {
            shape[i] = entry.get("shape").get(i).asInt();
        }
        return shape;
    }
}
