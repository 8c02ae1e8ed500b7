package io.culvert.emulator.ptx;

import java.util.List;

/**
 * A variable in a state space.
 *
 * @param space "global", "const", "shared", "local" or "param"
 * @param type element type as written, without the dot
 * @param bytes size; -1 for an {@code extern .shared} array whose size the launch decides
 * @param initial the first bytes, the rest being zero; null for none
 * @param pointers words of {@code initial} that hold an address, known once the module is loaded
 */
record Variable(
        String space, String name, String type, long bytes, int align, byte[] initial, List<Pointer> pointers) {
    /** The address of {@code symbol} plus {@code addend}, at byte {@code offset}. */
    record Pointer(int offset, String symbol, long addend) {}

    Variable renamed(String other) {
        return new Variable(space, other, type, bytes, align, initial, pointers);
    }
}
