package io.culvert.emulator;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;

/** libcublas, which cuDNN needs beside it: its version and no more. */
@SuppressWarnings("unused") // functions bear their C names and are called from C
final class SimulatedCublas extends SimulatedLibrary {
    private static final int NOT_SUPPORTED = 15;
    private static final int INTERNAL_ERROR = 14;
    private static final int[] VERSION = {13, 1, 0};

    @Override
    int notSupported() {
        return NOT_SUPPORTED;
    }

    @Override
    int internalError() {
        return INTERNAL_ERROR;
    }

    public int cublasGetProperty(int which, MemorySegment value) {
        value.set(JAVA_INT, 0, VERSION[which]);
        return 0;
    }
}
