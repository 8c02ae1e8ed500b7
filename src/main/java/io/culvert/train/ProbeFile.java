package io.culvert.train;

import io.culvert.CulvertException;
import io.culvert.safetensors.SafetensorsFile;
import io.culvert.safetensors.SafetensorsWriter;
import io.culvert.safetensors.StoredTensor;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** A linear probe on disk: {@code weight [1, features]} and {@code bias [1]}, as PyTorch's linear layer keeps them. */
public final class ProbeFile {
    private static final String CLASSIFIER = "classifier";

    private ProbeFile() {}

    /** Writes the probe atomically; threshold and penalty are in the metadata. */
    public static void save(Path file, LinearProbe probe) {
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsWriter.write(
                    file,
                    Map.of(
                            "threshold", Double.toString(probe.threshold()),
                            "lambda", Double.toString(probe.lambda()),
                            "validation_auroc", Double.toString(probe.validationAuroc())),
                    List.of(
                            StoredTensor.floats(arena, "weight", List.of(1L, (long) probe.weight().length), probe.weight()),
                            StoredTensor.floats(arena, "bias", List.of(1L), probe.bias())));
        }
    }

    /**
     * The classifier that supervised training left in a checkpoint; its threshold is 0.
     *
     * @throws CulvertException (data) if there is none for that many features
     */
    static LinearProbe classifier(Path checkpoint, int features) {
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsFile saved = SafetensorsFile.map(checkpoint, arena);
            if (!saved.has(CLASSIFIER + ".weight")
                    || !saved.tensor(CLASSIFIER + ".weight").shape().equals(List.of(1L, (long) features))) {
                throw CulvertException.data("%s: holds no classifier of %d features", checkpoint, features);
            }
            return new LinearProbe(
                    saved.tensor(CLASSIFIER + ".weight").toFloats(),
                    saved.tensor(CLASSIFIER + ".bias").toFloats()[0], 0, 0, Double.NaN);
        }
    }
}
