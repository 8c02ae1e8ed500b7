package io.culvert.data.synth;

/**
 * A flat thing that stands across the bore in the plane {@code z}, centred at ({@code x}, {@code y}) of the cross
 * section (x to the right, y down, the pipe's radius is 1).
 *
 * @param label the defect's mask value, 0 for something harmless
 */
record Shape(int label, float z, float x, float y, Raster raster, float[] rgb) {}
