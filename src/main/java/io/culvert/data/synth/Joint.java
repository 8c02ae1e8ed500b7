package io.culvert.data.synth;

/**
 * The joint at depth {@code z}, and where the next pipe's axis runs.
 *
 * @param label mask value of a displaced joint, 0 for a sound one
 * @param gap half width of the visible gap
 * @param contrast how dark the gap is, 0 to 1
 */
record Joint(int label, float z, float gap, float contrast, float nextX, float nextY) {}
