package io.culvert.tensor;

/** Element types that tensors hold. */
public enum DType {
    /** IEEE 754 single precision. */
    F32(4),
    /** Unsigned byte: pixels, and the window positions that max pooling remembers. */
    U8(1);

    public final int bytes;

    DType(int bytes) {
        this.bytes = bytes;
    }
}
