package io.culvert.train;

import io.culvert.CulvertException;
import io.culvert.model.Backbone;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Weights of a backbone on disk: an encoder of a run, or a file of timm's.
 *
 * @param allowMissing whether parameters that the file lacks keep their initial values
 * @param ignoreUnknown whether tensors that the backbone does not have are passed over
 */
public record EncoderFile(Path path, boolean allowMissing, boolean ignoreUnknown) {
    /** One that must match name by name. */
    public static EncoderFile strict(Path path) {
        return new EncoderFile(path, false, false);
    }

    /** Loads it. */
    void load(Backbone backbone) {
        Checkpoint.loadEncoder(this, backbone);
    }

    void requireThere() {
        if (!Files.exists(path)) {
            throw CulvertException.data(
                    "%s: not there; if it is a run's, the run has not ended: go on with culvert pretrain --resume, with the"
                            + " same configuration",
                    path);
        }
    }
}
