package io.culvert.emulator;

import java.util.Locale;

/** A call that the real library would refuse: its status, and words that the real one would not spare. */
final class SimulatedError extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int status;

    SimulatedError(int status, String message, Object... arguments) {
        super(String.format(Locale.ROOT, message, arguments));
        this.status = status;
    }

    int status() {
        return status;
    }
}
