package io.culvert.emulator.ptx;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Reads declarations of variables and parameters. */
final class VariableReader {
    private static final long MOST_BYTES = 1L << 30;

    private final TokenReader in;
    private int align;
    private ScalarType type;

    /** Elements of the vector that a variable, or each element of an array, is. */
    private int width;

    private boolean nested;

    VariableReader(TokenReader in) {
        this.in = in;
    }

    /** {@code .space .align n .type name[size] = {...}, ... ;} */
    List<Variable> statement(boolean external) {
        String space = in.next().text().substring(1);
        typeAndAlignment();
        List<Variable> list = new ArrayList<>();
        do {
            list.add(variable(space, external));
        } while (in.accept(","));
        in.expect(";");
        return list;
    }

    /** As {@link #statement}, with no semicolon. */
    Variable parameter() {
        String space = in.next().text().substring(1);
        if (!space.equals("param")) {
            throw new PtxException(in.peek().line(), "unsupported: parameter in space .%s", space);
        }
        typeAndAlignment();
        return variable(space, false);
    }

    private void typeAndAlignment() {
        align = 0;
        width = 1;
        type = null;
        while (in.peek().text().startsWith(".")) {
            Token token = in.next();
            String word = token.text().substring(1);
            switch (word) {
                case "align" -> align = alignment();
                case "v2", "v4" -> width = word.charAt(1) - '0';
                case "attribute" -> {
                    // Managed memory is global memory here.
                    in.expect("(");
                    in.expect(".managed");
                    in.expect(")");
                }
                case "ptr", "global", "shared", "const", "local" -> {
                    // What a pointer parameter points to is a promise to the optimiser, no part of its layout.
                    if (in.peek().is(".align")) {
                        in.next();
                        alignment();
                    }
                }
                default -> {
                    ScalarType named = ScalarType.named(word);
                    if (named == null || type != null || named == ScalarType.PRED) {
                        throw in.unsupported("type", token);
                    }
                    type = named;
                }
            }
        }
        if (type == null) {
            throw in.unsupported("declaration", in.peek());
        }
    }

    private int alignment() {
        Token token = in.peek();
        long bytes = in.integer();
        if (bytes < 1 || bytes > 1 << 16 || Long.bitCount(bytes) != 1) {
            throw new PtxException(token.line(), "unsupported: alignment to %d bytes", bytes);
        }
        return (int) bytes;
    }

    private Variable variable(String space, boolean external) {
        Token name = in.next();
        if (!TokenReader.isName(name)) {
            throw in.unsupported("name", name);
        }
        long count = width;
        boolean open = false;
        while (in.accept("[")) {
            if (in.peek().is("]")) {
                open = true;
            } else {
                long extent = in.integer();
                if (extent < 0 || extent > MOST_BYTES || count * extent * type.bytes() > MOST_BYTES) {
                    throw in.unsupported("size of array", name);
                }
                count *= extent;
            }
            in.expect("]");
        }
        List<Variable.Pointer> pointers = new ArrayList<>();
        byte[] initial = in.accept("=") ? initial(pointers) : null;
        if (external && !open) {
            throw in.unsupported("external variable", name);
        }
        if (open && initial != null) {
            count = initial.length / type.bytes();
        } else if (open && !space.equals("shared")) {
            throw in.unsupported("array with no size", name);
        } else if (open) {
            count = -1;
        }
        long bytes = count < 0 ? -1 : count * type.bytes();
        if (initial != null && initial.length > bytes) {
            throw new PtxException(name.line(), "'%s' has more initial values than elements", name.text());
        }
        if (initial != null && nested && initial.length < bytes) {
            throw in.unsupported("nested initial values that leave elements out, of", name);
        }
        if (initial != null && !space.equals("global") && !space.equals("const")) {
            throw in.unsupported("initial value of", name);
        }
        String typeName = type.name().toLowerCase(Locale.ROOT);
        int aligned = Math.max(align, type.bytes() * width);
        return new Variable(space, name.text(), typeName, bytes, aligned, initial, pointers);
    }

    private byte[] initial(List<Variable.Pointer> pointers) {
        List<Long> values = new ArrayList<>();
        nested = false;
        values(values, pointers, 0);
        ByteBuffer bytes = ByteBuffer.allocate(values.size() * type.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (long value : values) {
            switch (type.bytes()) {
                case 1 -> bytes.put((byte) value);
                case 2 -> bytes.putShort((short) value);
                case 4 -> bytes.putInt((int) value);
                default -> bytes.putLong(value);
            }
        }
        return bytes.array();
    }

    private void values(List<Long> values, List<Variable.Pointer> pointers, int depth) {
        if (in.accept("{")) {
            nested |= depth > 0;
            if (depth > 8) {
                throw in.unsupported("initial value", in.peek());
            }
            while (!in.accept("}")) {
                values(values, pointers, depth + 1);
                if (!in.peek().is("}")) {
                    in.expect(",");
                }
            }
            return;
        }
        boolean negative = in.accept("-");
        if (in.isNumber()) {
            Token token = in.next();
            long bits = Literal.bits(token, type);
            values.add(
                    !negative
                            ? bits
                            : type == ScalarType.F64
                                    ? bits ^ Long.MIN_VALUE
                                    : type == ScalarType.F32 ? bits ^ 0x80000000L : -bits);
            return;
        }
        Token token = in.next();
        boolean generic = token.is("generic") && in.accept("(");
        Token symbol = generic ? in.next() : token;
        if (generic) {
            in.expect(")");
        }
        if (negative || type.bytes() != 8 || !TokenReader.isName(symbol)) {
            throw in.unsupported("initial value", token);
        }
        long addend = in.accept("+") || in.peek().is("-") ? in.integer() : 0;
        pointers.add(new Variable.Pointer(8 * values.size(), symbol.text(), addend));
        values.add(0L);
    }
}
