package io.culvert.emulator.ptx;

/** PTX text that is malformed or that the interpreter does not support. The message names the line and its text. */
public final class PtxException extends RuntimeException {
    private final int line;

    PtxException(int line, String format, Object... args) {
        super("PTX line %d: %s".formatted(line, format.formatted(args)));
        this.line = line;
    }

    /** The line of the PTX text, counted from 1. */
    public int line() {
        return line;
    }
}
