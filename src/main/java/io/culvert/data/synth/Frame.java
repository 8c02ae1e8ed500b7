package io.culvert.data.synth;

/**
 * A finished picture.
 *
 * @param rgb interleaved red, green, blue, row by row
 * @param mask one byte a pixel: 0 for sound pipe, else {@link Codes#label}
 */
record Frame(int width, int height, byte[] rgb, byte[] mask) {}
