package io.culvert.emulator.ptx;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** The types of PTX registers and operands. */
enum ScalarType {
    PRED(1, 'p'),
    B8(8, 'b'),
    B16(16, 'b'),
    B32(32, 'b'),
    B64(64, 'b'),
    U8(8, 'u'),
    U16(16, 'u'),
    U32(32, 'u'),
    U64(64, 'u'),
    S8(8, 's'),
    S16(16, 's'),
    S32(32, 's'),
    S64(64, 's'),
    F16(16, 'f'),
    BF16(16, 'f'),
    F16X2(32, 'x'),
    BF16X2(32, 'x'),
    U16X2(32, 'i'),
    S16X2(32, 'i'),
    TF32(32, 'f'),
    F32(32, 'f'),
    F64(64, 'f');

    private static final Map<String, ScalarType> NAMES = new HashMap<>();

    static {
        for (ScalarType type : values()) {
            NAMES.put(type.name().toLowerCase(Locale.ROOT), type);
        }
    }

    final int bits;
    private final char kind;

    ScalarType(int bits, char kind) {
        this.bits = bits;
        this.kind = kind;
    }

    /** The type called {@code name} (no dot), or null. */
    static ScalarType named(String name) {
        return NAMES.get(name);
    }

    int bytes() {
        return bits / 8;
    }

    boolean signed() {
        return kind == 's';
    }

    boolean real() {
        return kind == 'f';
    }

    boolean packed() {
        return kind == 'x';
    }

    /** Two 16-bit integers. */
    boolean integerPair() {
        return this == U16X2 || this == S16X2;
    }

    boolean integer() {
        return kind == 's' || kind == 'u' || kind == 'b';
    }
}
