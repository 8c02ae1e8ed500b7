package io.culvert.data;

import io.culvert.device.cpu.RgbImage;
import java.nio.file.Path;

/** Decodes image files for one thread. */
interface Decoder extends AutoCloseable {
    /** Decodes a file; a failure is a CulvertException of kind DATA that names it. */
    void decode(Path file, RgbImage into);

    @Override
    default void close() {}
}
