package io.culvert.emulator.ptx;

/** Numbers as PTX writes them. */
final class Literal {
    private Literal() {}

    /** The bits of a literal (sign apart) read as a constant of {@code type}: 0f and 0d give the bits of a real. */
    static long bits(Token token, ScalarType type) {
        try {
            return parse(token, type);
        } catch (NumberFormatException e) {
            throw new PtxException(token.line(), "'%s' is no number", token.text());
        }
    }

    private static long parse(Token token, ScalarType type) {
        String text = token.text();
        if (text.startsWith("0f") || text.startsWith("0F")) {
            int single = (int) Long.parseLong(text.substring(2), 16);
            return type.bits == 64 && type.real()
                    ? Double.doubleToRawLongBits(Float.intBitsToFloat(single))
                    : Integer.toUnsignedLong(single);
        }
        if (text.startsWith("0d") || text.startsWith("0D")) {
            long bits = Long.parseUnsignedLong(text.substring(2), 16);
            return type == ScalarType.F32
                    ? Integer.toUnsignedLong(Float.floatToRawIntBits((float) Double.longBitsToDouble(bits)))
                    : bits;
        }
        boolean decimalPoint = text.indexOf('.') >= 0;
        if (decimalPoint && !type.real()) {
            throw new PtxException(token.line(), "'%s' is no integer", text);
        }
        if (type == ScalarType.F64) {
            return Double.doubleToRawLongBits(Double.parseDouble(text));
        }
        if (type == ScalarType.F32 && (decimalPoint || !text.startsWith("0x"))) {
            return Integer.toUnsignedLong(Float.floatToRawIntBits((float) Double.parseDouble(text)));
        }
        return TokenReader.number(token);
    }
}
