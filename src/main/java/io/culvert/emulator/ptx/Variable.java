package io.culvert.emulator.ptx;

/**
 * A variable in a state space.
 *
 * @param space "global", "const", "shared", "local" or "param"
 * @param type element type as written, without the dot
 * @param bytes size; -1 for an {@code extern .shared} array whose size the launch decides
 * @param initial the first bytes, the rest being zero; null for none
 */
record Variable(String space, String name, String type, long bytes, int align, byte[] initial) {}
