package io.culvert.emulator.ptx;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Reads declarations of variables and parameters. */
final class VariableReader {
    private final TokenReader in;
    private int align;
    private ScalarType type;

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
        type = null;
        while (in.peek().text().startsWith(".")) {
            Token token = in.next();
            String word = token.text().substring(1);
            switch (word) {
                case "align" -> align = (int) in.integer();
                case "ptr", "global", "shared", "const", "local" -> {
                    // What a pointer parameter points to is a promise to the optimiser, no part of its layout.
                    if (in.peek().is(".align")) {
                        in.next();
                        in.integer();
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

    private Variable variable(String space, boolean external) {
        Token name = in.next();
        long count = 1;
        boolean open = false;
        while (in.accept("[")) {
            if (in.peek().is("]")) {
                open = true;
            } else {
                count *= in.integer();
            }
            in.expect("]");
        }
        byte[] initial = in.accept("=") ? initial() : null;
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
        String typeName = type.name().toLowerCase(Locale.ROOT);
        return new Variable(space, name.text(), typeName, bytes, Math.max(align, type.bytes()), initial);
    }

    private byte[] initial() {
        List<Long> values = new ArrayList<>();
        values(values);
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

    private void values(List<Long> values) {
        if (in.accept("{")) {
            while (!in.accept("}")) {
                values(values);
                in.accept(",");
            }
            return;
        }
        boolean negative = in.accept("-");
        Token token = in.next();
        if (!Character.isDigit(token.text().charAt(0))) {
            throw in.unsupported("initial value", token);
        }
        long bits = Literal.bits(token, type);
        values.add(negative ? -bits : bits);
    }
}
