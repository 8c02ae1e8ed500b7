package io.culvert.safetensors;

import java.util.Optional;

/**
 * An element type of the format, with its size. The names are those that the header uses, the order is the reference
 * implementation's, which lays tensors out from the last type to the first: wide types first keeps all aligned.
 */
public enum StoredType {
    BOOL(1),
    U8(1),
    I8(1),
    I16(2),
    F16(2),
    BF16(2),
    I32(4),
    F32(4),
    F64(8),
    I64(8);

    /** Size of one element. */
    public final int bytes;

    StoredType(int bytes) {
        this.bytes = bytes;
    }

    static Optional<StoredType> named(String name) {
        for (StoredType type : values()) {
            if (type.name().equals(name)) {
                return Optional.of(type);
            }
        }
        return Optional.empty();
    }
}
