package io.culvert.emulator.ptx;

/** What an instruction does to the lanes of {@code mask}, which is never empty. */
@FunctionalInterface
interface Action {
    void run(Frame frame, int mask);
}
