package io.culvert.emulator;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** The emulator for tests, which say that they are skipped where its libraries could not be built. */
public final class TestEmulator {
    private TestEmulator() {}

    /** Skips the test where the libraries are missing. */
    public static void assumeBuilt() {
        assumeTrue(Emulator.isBuilt(), "the emulator's libraries were not built (no C compiler)");
    }

    /** As {@link #assumeBuilt}, and puts the emulator in the place of NVIDIA's libraries. */
    public static Emulator install() {
        assumeBuilt();
        return Emulator.install();
    }
}
