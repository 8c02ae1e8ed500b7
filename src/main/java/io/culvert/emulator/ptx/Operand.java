package io.culvert.emulator.ptx;

import java.util.List;

/**
 * One operand as written.
 *
 * @param text a register, symbol, label or number; the base of an address, or "" for an absolute one
 * @param offset bytes added to the base of an address, or to the address that a name stands for
 * @param items parts of a vector, of a {@code p|q} pair or of a call's list; what follows a comma in an address
 * @param negated a predicate with {@code !}
 */
record Operand(Kind kind, String text, long offset, List<Operand> items, boolean negated) {
    enum Kind {
        NAME,
        NUMBER,
        ADDRESS,
        VECTOR,
        PAIR,
        LIST
    }

    static Operand name(String text, boolean negated) {
        return new Operand(Kind.NAME, text, 0, List.of(), negated);
    }

    /** The address of a variable, and so many bytes. */
    static Operand name(String text, long offset) {
        return new Operand(Kind.NAME, text, offset, List.of(), false);
    }

    static Operand number(String text) {
        return new Operand(Kind.NUMBER, text, 0, List.of(), false);
    }

    /** With more parts after the address, as those of a texture or a tensor map. */
    static Operand address(String base, long offset, List<Operand> more) {
        return new Operand(Kind.ADDRESS, base, offset, more, false);
    }

    static Operand group(Kind kind, List<Operand> items) {
        return new Operand(kind, "", 0, items, false);
    }

    boolean is(Kind other) {
        return kind == other;
    }
}
