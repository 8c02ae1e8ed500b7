package io.culvert.data.synth;

/**
 * A drawing on the wall, centred at angle {@code theta} (0 at the invert, counted towards +x, pi at the crown) and
 * depth {@code z}; the raster's x runs round the pipe, its y along it.
 *
 * @param label the defect's mask value, 0 for something harmless
 * @param rgb linear colour, or null to shade the wall's own colour by the raster's tone alone
 */
record Decal(int label, float theta, float z, Raster raster, float[] rgb) {}
