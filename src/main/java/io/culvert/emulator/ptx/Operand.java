package io.culvert.emulator.ptx;

import java.util.List;

/**
 * One operand as written.
 *
 * @param text a register, symbol, label or number; the base of an address, or "" for an absolute one
 * @param offset bytes added to the base of an address
 * @param items parts of a vector, of a {@code p|q} pair or of a call's list
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

    static Operand number(String text) {
        return new Operand(Kind.NUMBER, text, 0, List.of(), false);
    }

    static Operand address(String base, long offset) {
        return new Operand(Kind.ADDRESS, base, offset, List.of(), false);
    }

    static Operand group(Kind kind, List<Operand> items) {
        return new Operand(kind, "", 0, items, false);
    }

    boolean is(Kind other) {
        return kind == other;
    }
}
