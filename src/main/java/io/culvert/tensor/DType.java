package io.culvert.tensor;

import io.culvert.device.Device;
import io.culvert.device.Precision;
import io.culvert.device.cuda.Element;

/** Element types that tensors hold. */
public enum DType {
    /** IEEE 754 single precision. */
    F32(4, "f32"),
    /** The upper half of a single: 8 bits of exponent, 7 of fraction. */
    BF16(2, "bf16"),
    /** Unsigned byte: pixels, and the window positions that max pooling remembers. */
    U8(1, "u8"),
    /** Class labels. */
    I32(4, "i32");

    public final int bytes;
    /** How names of kernels end that compute on it. */
    public final String suffix;

    DType(int bytes, String suffix) {
        this.bytes = bytes;
        this.suffix = suffix;
    }

    /** What NVIDIA's libraries call it. */
    public Element element() {
        return switch (this) {
            case F32 -> Element.FLOAT;
            case BF16 -> Element.BFLOAT16;
            case U8, I32 -> throw new IllegalStateException("no library computes on integers");
        };
    }

    /** The type of activations and of the weights that kernels read, in the precision that {@code device} was opened with. */
    public static DType compute(Device device) {
        return device.precision() == Precision.BF16 ? BF16 : F32;
    }

    /** The single that is nearest to {@code value} among the brain floats; ties go to even, a NaN stays one. */
    static short toBf16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) (bits >>> 16 | 0x40);
        }
        return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
    }

    /** Exact. */
    static float fromBf16(short value) {
        return Float.intBitsToFloat(value << 16);
    }
}
