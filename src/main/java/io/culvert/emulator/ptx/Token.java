package io.culvert.emulator.ptx;

/** A word, number, string (with its quotes) or punctuation mark of PTX text, with its line. */
record Token(String text, int line) {
    boolean is(String other) {
        return text.equals(other);
    }
}
