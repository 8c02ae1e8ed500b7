package io.culvert.emulator.ptx;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The dotted parts of an opcode. Decoders take those that they understand; what is left over is unsupported. */
final class Modifiers {
    final String base;
    private final Statement statement;
    private final List<String> parts;

    Modifiers(Statement statement) {
        this.statement = statement;
        List<String> all = Arrays.asList(statement.opcode().split("\\."));
        base = all.get(0);
        parts = new ArrayList<>(all.subList(1, all.size()));
    }

    /** Whether the modifier is there; it counts as understood. */
    boolean take(String modifier) {
        return parts.remove(modifier);
    }

    /** The first of {@code choices} that is there, or null. */
    String oneOf(String... choices) {
        for (String choice : choices) {
            if (take(choice)) {
                return choice;
            }
        }
        return null;
    }

    /** The leftmost type. */
    ScalarType type() {
        for (String part : parts) {
            ScalarType type = ScalarType.named(part);
            if (type != null) {
                parts.remove(part);
                return type;
            }
        }
        throw unsupported();
    }

    /** The next part, whatever it is, or "". */
    String next() {
        return parts.isEmpty() ? "" : parts.remove(0);
    }

    String peek() {
        return parts.isEmpty() ? "" : parts.get(0);
    }

    /** Refuses an opcode with modifiers that nobody took. */
    void end() {
        if (!parts.isEmpty()) {
            throw unsupported();
        }
    }

    PtxException unsupported() {
        String left = parts.isEmpty() ? "" : " (at ." + String.join(".", parts) + ")";
        return new PtxException(statement.line(), "unsupported: %s%s", statement.opcode(), left);
    }
}
